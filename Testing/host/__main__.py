"""`python -m Testing.host MODULE`: open a panel in a window, photograph it, or run a script without a window."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m Testing.host", description=__doc__)
    parser.add_argument("module", nargs="?", help="one of the repository's modules, or a path to a module's .py file")
    parser.add_argument(
        "--python-script",
        metavar="PY",
        nargs=argparse.REMAINDER,
        help="run a script with its arguments, as `Slicer --no-main-window --python-script` does; exits when it ends",
    )
    parser.add_argument("--screenshot", metavar="PNG", help="save a picture of the panel, without a display, and exit")
    parser.add_argument("--width", type=int, default=500, help="panel width in pixels")
    parser.add_argument("--height", type=int, default=800, help="panel height in pixels")
    parser.add_argument("--dark", action="store_true", help="dark theme")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    if options.screenshot or options.python_script:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from . import driving
    from .errors import HostError

    try:
        if options.python_script:
            return driving.run_script(*options.python_script)
        return show(driving.find_module(options.module or ""), options)
    except HostError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def show(path: Path, options: argparse.Namespace) -> int:
    """Open the panel; 1 where an exception was swallowed in it."""
    from PySide6.QtWidgets import QApplication

    from . import driving
    from .errors import take_errors
    from .session import start

    start()
    driving.set_theme(options.dark)
    panel = driving.open_module(path, options.width, options.height)
    if options.screenshot:
        driving.photograph(panel, options.screenshot)
    else:
        QApplication.exec()
    return 1 if take_errors() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

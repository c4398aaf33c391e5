"""Derive `api.json` from the listing read off a running Slicer.

    python -m Testing.host.update_api path/to/pythonqt_slicer.json

Takes the classes that the host implements; the supplement, which is written by hand, stays as it is.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from .api import API_FILE


def update(listing: Path, implemented: set[str]) -> None:
    """Write `api.json` with the `implemented` classes of `listing`, one class a line."""
    full = json.loads(listing.read_text(encoding="utf-8"))
    old = json.loads(API_FILE.read_text(encoding="ascii"))
    kept = {name: full["classes"][name] for name in full["classes"] if name in implemented}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(kept[name], separators=(',', ':'))}" for name in kept)
    extra = ",\n".join(f"{json.dumps(n)}: {json.dumps(m, separators=(',', ':'))}" for n, m in old["supplement"].items())
    API_FILE.write_text(
        f'{{"slicer": {json.dumps(full["slicer"])},\n"slicer_util": {json.dumps(full["slicer_util"])},\n'
        f'"classes": {{\n{lines}\n}},\n"supplement": {{\n{extra}\n}}}}\n',
        encoding="ascii",
    )


if __name__ == "__main__":
    from .session import start

    start()
    from .registry import implemented_names

    update(Path(sys.argv[1]), implemented_names())

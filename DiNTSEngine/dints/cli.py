"""The command line: `dints COMMAND ...`, or `python -m dints COMMAND ...` as a worker of another program."""

from __future__ import annotations

import argparse
import importlib
import logging
import sys
from collections.abc import Sequence
from typing import NoReturn

from dints import __version__
from dints.errors import EXIT_BAD_INPUT, EXIT_DONE, EXIT_FAILED, failure
from dints.events import JsonReporter, TerminalReporter
from dints.service.parent import end_with_parent, private_output

COMMANDS = {
    "check": "read every case of a data set and list all problems at once",
    "plan": "predict how long a run takes, stage by stage, or choose settings that fit a time",
    "memory": "predict the memory that search and retraining need",
    "search": "search an architecture on a data set",
    "train": "retrain an architecture, fold by fold",
    "follow": "show a run that is done on another computer, and bring it home",
    "stop": "end a run that is done on another computer",
    "evaluate": "cross-validate a run, or score predictions against references",
    "compare": "train other networks of the same memory: did the search pay?",
    "segment": "segment an image or a folder of images with a model",
    "add": "add a corrected segmentation to a data set that models learn from",
    "improve": "fine-tune a model on corrections, and keep the new version if it is not worse",
    "rank": "sort scans by how unsure a model is: which one to correct next",
    "suspects": "list cases of a run whose labels may be wrong",
    "models": "list, show, install, remove or export models",
    "import": "make a model file from a checkpoint of the reference implementation",
    "report": "write a self-contained HTML report of a run",
    "demo": "the whole job in one command, on a generated or given data set",
    "settings": "list all settings: default, meaning, unit, and what may be given",
    "doctor": "report versions, devices, memory and what is missing",
    "hosts": "list, add, check or remove other computers that work can be sent to",
    "worker": "segment job after job for another program",
}


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        if message.endswith("expected one argument"):
            message += ", which is given as --OPTION=VALUE where it begins with a hyphen"
        self.exit(EXIT_BAD_INPUT, f"{self.prog}: {message}; see {self.prog} --help\n")


def build_parser(chosen: str | None) -> argparse.ArgumentParser:
    """Knows all commands, and the arguments of the chosen one.

    Each lives in `dints.commands.<name>_command`; only the chosen one is imported, so that help is quick and the
    doctor works where PyTorch is missing.
    """
    parser = _Parser(prog="dints", description="Find, train and use networks for 3D medical image segmentation.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    for name, text in COMMANDS.items():
        command = commands.add_parser(name, help=text)
        if name == chosen:
            module = importlib.import_module(f"dints.commands.{name}_command")
            command.description = module.__doc__
            command.add_argument("--events", action="store_true", help="report as JSON lines on standard output")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0 (done), 1 (failed), 2 (bad input, said in one line) or 130 (stopped)."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        options = build_parser(next(iter(arguments), None)).parse_args(arguments)
    except ModuleNotFoundError as error:
        print(f"dints: {error.name} is not installed; `dints doctor` lists what is missing", file=sys.stderr)
        return EXIT_FAILED
    reporter = JsonReporter(private_output()) if options.events else TerminalReporter()
    try:
        if options.events:
            end_with_parent()
        options.run(options, reporter)
        return EXIT_DONE
    except (Exception, KeyboardInterrupt) as error:  # the parent process must hear of it before this one ends
        return _fail(reporter, *failure(error))


def _fail(reporter: JsonReporter | TerminalReporter, line: str, code: int) -> int:
    if isinstance(reporter, JsonReporter):
        reporter.emit("error", text=line, code=code)
    else:
        print(f"dints: {line}", file=sys.stderr, flush=True)
    return code

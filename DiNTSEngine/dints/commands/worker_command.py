"""Segment job after job for another program: JSON lines in and out, the last model stays in memory.

Ends when its standard input is closed. The messages are described in `dints.service.worker`.
"""

from __future__ import annotations

import argparse
import sys

from dints.commands.options import add_host
from dints.events import Reporter
from dints.remote.hosts import find_host
from dints.remote.keeper import Keeper
from dints.remote.relay import Relay
from dints.remote.runs.depot import Depot
from dints.service.parent import private_output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_host(parser)
    parser.add_argument(
        "--stream", action="store_true", help="files come and go through the same stream: what --on starts there"
    )
    parser.add_argument(
        "--depot", action="store_true", help="takes and keeps runs: what search and train --on start there"
    )


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    output = private_output()
    if arguments.stream:
        Keeper(sys.stdin.buffer, output.buffer).serve()
    if arguments.depot:
        Depot(sys.stdin.buffer, output.buffer).serve()
        return
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    Relay(output, find_host(arguments.on) if arguments.on else None).serve(sys.stdin)

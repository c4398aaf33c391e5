"""Segment job after job for another program: JSON lines in and out, the last model stays in memory.

Ends when its standard input is closed. The messages are described in `dints.worker`.
"""

from __future__ import annotations

import argparse
import os
import sys

from dints.events import Reporter
from dints.worker import Worker


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes none."""


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="ascii", newline="\n")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print must not get between the events
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    Worker(stream).serve(sys.stdin)

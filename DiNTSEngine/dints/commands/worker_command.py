"""Segment job after job for another program: JSON lines in and out, the last model stays in memory.

Ends when its standard input is closed. The messages are described in `dints.service.worker`.
"""

from __future__ import annotations

import argparse
import sys

from dints.events import Reporter
from dints.service.parent import private_output
from dints.service.worker import Worker


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Takes none."""


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    sys.stdin.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    Worker(private_output()).serve(sys.stdin)

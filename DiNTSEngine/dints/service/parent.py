"""What ties this process to the program that started it: a stream for events, and their common end.

That program keeps the writing end of standard input, which the operating system closes however the program ends.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
from typing import NoReturn, TextIO

OWN_GROUP_VARIABLE = "DINTS_OWN_GROUP"  # set by a program that starts the engine in a process group of its own
INPUT, OUTPUT, ERRORS = range(3)  # file descriptors that every process has
PIECE = 4096  # bytes of the input that are read at once


def private_output() -> TextIO:
    """Standard output for this process's events alone: what libraries print goes to standard error from now on.

    Where Python's `sys.stdout` is another stream, as in a test, that stream.
    """
    return _separated_output() if sys.stdout is sys.__stdout__ else sys.stdout


@functools.cache
def _separated_output() -> TextIO:
    stream = os.fdopen(os.dup(OUTPUT), "w", encoding="ascii", newline="\n")
    os.dup2(ERRORS, OUTPUT)
    return stream


def end_with_parent() -> None:
    """Watches standard input in the background, if the program that started this process says that it may."""
    if os.environ.get(OWN_GROUP_VARIABLE):
        threading.Thread(target=_watch, daemon=True).start()


def end() -> NoReturn:
    """Ends this process at once, with its whole group if that is its own."""
    if os.environ.get(OWN_GROUP_VARIABLE) and os.name != "nt":
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(0)


def _watch() -> None:
    while os.read(INPUT, PIECE):
        pass  # nothing is expected
    end()

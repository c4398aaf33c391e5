"""What ties this process to the program that started it: a stream for events, a request to stop, and their common end.

That program keeps the writing end of standard input, which the operating system closes however the program ends. The
line "stop" there does what Ctrl-C does in a terminal, on every system.
"""

from __future__ import annotations

import _thread
import functools
import os
import signal
import sys
import threading
from typing import NoReturn, TextIO

OWN_GROUP_VARIABLE = "DINTS_OWN_GROUP"  # set by a program that starts the engine in a process group of its own
INPUT, OUTPUT, ERRORS = range(3)  # file descriptors that every process has
STOP = "stop"  # a line of the input
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
        signal.signal(signal.SIGINT, signal.default_int_handler)  # that program may have been told to ignore it
        threading.Thread(target=_watch, daemon=True).start()


def end() -> NoReturn:
    """Ends this process at once, with its whole group if that is its own."""
    if os.environ.get(OWN_GROUP_VARIABLE) and os.name != "nt":
        os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(0)


def _watch() -> None:
    while piece := os.read(INPUT, PIECE):
        if STOP in piece.decode(errors="replace").split():
            _thread.interrupt_main()
    end()

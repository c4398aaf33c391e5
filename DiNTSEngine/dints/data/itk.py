"""SimpleITK made fit for strangers' files: quiet, and with errors in place of what would end the process."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import SimpleITK as sitk

from dints.errors import InputError

STANDARD_ERROR = 2  # file descriptor; libraries in C write there, past Python's sys.stderr
ITK_PREFIX = re.compile(r"^(sitk::|ITK )ERROR: (\w+\(0x\w+\): )?")
WORD = re.compile(r"[A-Za-z]{3}")
_quieting = threading.Lock()  # of the whole process


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps what ITK and its libraries print off standard error: it is noise, or is raised as an error here."""
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    with _quieting, _no_standard_error():
        sitk.ProcessObject.SetGlobalWarningDisplay(False)
        try:
            yield
        finally:
            sitk.ProcessObject.SetGlobalWarningDisplay(shown)


@contextmanager
def _no_standard_error() -> Iterator[None]:
    try:
        errors = os.dup(STANDARD_ERROR)
    except OSError:  # an application without a console on Windows has none
        yield
        return
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), STANDARD_ERROR)
    try:
        yield
    finally:
        os.dup2(errors, STANDARD_ERROR)
        os.close(errors)


def itk_name(path: str | os.PathLike[str]) -> str:
    """A path as ITK takes it; InputError for a name that is no UTF-8, with which SimpleITK would end the process."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        shown = str(path).encode(errors="backslashreplace").decode()
        raise InputError(f"{shown}: has a name that is no valid text (UTF-8); rename it") from error
    return str(path)


def reason_of(error: Exception) -> str:
    """The last line of an exception's text that says something, without ITK's prefix."""
    lines = [line.strip() for line in str(error).splitlines()]
    telling = [line for line in lines if WORD.search(line) and not line.startswith("Reason:")]  # errno of earlier calls
    return ITK_PREFIX.sub("", telling[-1]) if telling else type(error).__name__

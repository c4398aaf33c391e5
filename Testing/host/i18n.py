"""`slicer.i18n`: translation. There is one to another language only: English with longer words."""

from __future__ import annotations

import math
import types
from collections.abc import Iterator
from contextlib import contextmanager

LONGER = 0.4  # of a text's length is added by `longer_texts`
FILLING = "\u00e5m\u00f8n \u00fcbe \u0142ir\u00e1 "  # words with letters above and below those of English

_state = {"longer": False}


@contextmanager
def longer_texts() -> Iterator[None]:
    """Every text that is translated in the block is 40 % longer, as in languages with long words."""
    _state["longer"] = True
    try:
        yield
    finally:
        _state["longer"] = False


def language() -> str:
    """Of the application now."""
    return "longer words" if _state["longer"] else "English"


def translate(context: str, text: str) -> str:
    """Text in the application's language."""
    if not isinstance(text, str):
        raise TypeError(f"only literal text can be translated, not {text!r}")
    if not _state["longer"] or not text:
        return text
    added = math.ceil(LONGER * len(text))
    return text + (FILLING * (added // len(FILLING) + 1))[:added].rstrip()


def tr(text: str) -> str:
    """Text in the application's language; the context is the calling module."""
    return translate("", text)


def getContext(source_file: str) -> str:
    """Translation context of a source file."""
    return source_file.replace("\\", "/").rsplit("/", 1)[-1].removesuffix(".py")


def make_module() -> types.ModuleType:
    """The module `slicer.i18n`."""
    module = types.ModuleType("slicer.i18n", __doc__)
    vars(module).update(tr=tr, translate=translate, getContext=getContext)
    return module

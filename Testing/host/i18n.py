"""`slicer.i18n`: translation. There are no translations here, so every text stays as it is."""

from __future__ import annotations

import types


def translate(context: str, text: str) -> str:
    """Text in the application's language."""
    if not isinstance(text, str):
        raise TypeError(f"only literal text can be translated, not {text!r}")
    return text


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

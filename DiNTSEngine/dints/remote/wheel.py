"""This engine as a wheel, so that another computer gets the very same one; built from the package's own files."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import dints
from dints import __version__

PACKAGES = ("torch>=2.6", "numpy>=1.26", "SimpleITK>=2.3", "PyYAML>=6", "safetensors>=0.4.3", "jinja2>=3.1")
ENTRY_POINTS = "[console_scripts]\ndints = dints.cli:main\n"
TAGS = "Wheel-Version: 1.0\nGenerator: dints\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def wheel_name() -> str:
    """Of the file, as pip takes it."""
    return f"slicer_dints-{__version__}-py3-none-any.whl"


def wheel() -> bytes:
    """The file's content: the package, what it needs, and its console script."""
    folder = Path(dints.__file__).parent
    files = {
        f"dints/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    description = f"slicer_dints-{__version__}.dist-info"
    needs = "".join(f"Requires-Dist: {package}\n" for package in PACKAGES)
    metadata = f"Metadata-Version: 2.1\nName: slicer-dints\nVersion: {__version__}\n{needs}"
    for name, text in (("METADATA", metadata), ("WHEEL", TAGS), ("entry_points.txt", ENTRY_POINTS)):
        files[f"{description}/{name}"] = text.encode()
    record = f"{description}/RECORD"
    files[record] = "".join(f"{name},,\n" for name in (*files, record)).encode()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()

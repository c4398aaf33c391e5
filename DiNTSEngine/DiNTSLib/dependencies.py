"""What the engine needs beyond Slicer: whether it is there, what installing it takes, and installing it on request.

NumPy and SimpleITK are Slicer's own and are never replaced. Nothing is imported to find out.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable

import slicer
from slicer.i18n import tr as _

REQUESTER = "DiNTS"
PYTORCH = "torch"
NEEDED = (PYTORCH, "PyYAML", "safetensors")
EXTRAS = ("matplotlib",)  # for pictures and reports
# As in the engine's pyproject.toml.
MINIMUM_VERSIONS = {PYTORCH: "2.6", "PyYAML": "6", "safetensors": "0.4.3", "matplotlib": "3.8"}
# PyTorch for an NVIDIA GPU; a tenth without.
DISK_GIGABYTES = {PYTORCH: 7.0, "PyYAML": 0.01, "safetensors": 0.002, "matplotlib": 0.1}
DOWNLOAD_GIGABYTES = {PYTORCH: 3.5, "PyYAML": 0.001, "safetensors": 0.001, "matplotlib": 0.03}

Confirm = Callable[[str], bool]
Log = Callable[[str], None]


def missing() -> list[str]:
    """Packages without which the engine cannot work, by the names that pip knows: not installed, or too old."""
    return _missing(NEEDED)


def requirements(names: list[str]) -> list[str]:
    """As pip takes them: ranges, no pins."""
    return [f"{name}>={MINIMUM_VERSIONS[name]}" for name in names]


def hasPyTorchExtension() -> bool:
    """Whether the extension that chooses the PyTorch for the computer's GPU is installed."""
    return hasattr(slicer.modules, "pytorchutils")


def sentence() -> str:
    """Why the engine cannot work, and what installing takes; "" if it can."""
    return offer() if missing() else ""


def offer() -> str:
    """What could be installed, from where, how much it is, and how much room there is; "" if nothing."""
    needed, extras = missing(), _missing(EXTRAS)
    if not needed and not extras:
        return ""
    parts = []
    if needed:
        parts.append(_("DiNTS needs {names}.").format(names=", ".join(requirements(needed))))
    if extras:
        parts.append(_("Reports need {names}.").format(names=", ".join(requirements(extras))))
    text = _(
        "Installing downloads up to {download:.2g} GB, which take up to {disk:.2g} GB on the disk; {free:.0f} GB are "
        "free."
    )
    names = [*needed, *extras]
    download, disk = sum(DOWNLOAD_GIGABYTES[name] for name in names), sum(DISK_GIGABYTES[name] for name in names)
    parts.append(text.format(download=download, disk=disk, free=shutil.disk_usage(sys.prefix).free / 1e9))
    if PYTORCH in needed and hasPyTorchExtension():
        parts.append(_("The PyTorch extension chooses the version that fits the GPU; without one it is a tenth."))
    elif PYTORCH in needed:
        parts.append(_("Install the PyTorch extension first to get the version that fits the GPU."))
    return " ".join(parts)


def install(confirm: Confirm, log: Log) -> bool:
    """Installs what is missing, if `confirm`, which gets `offer()`, returns True.

    Blocks until it is done. `log` is told each step and the reason of a failure.

    Returns:
        Whether nothing is missing now.
    """
    names = _missing((*NEEDED, *EXTRAS))
    if not names:
        return True
    if not confirm(offer()):
        log(_("Not installed: it was declined."))
        return False
    try:
        for name in names:
            log(_("Installing {name}…").format(name=name))
            _installOne(name)
    except (RuntimeError, OSError, ImportError, subprocess.CalledProcessError) as error:
        log(_("{name} could not be installed: {reason}").format(name=name, reason=error))
        return False
    still = _missing(names)
    if still:
        log(_("{names} cannot be found yet: restart Slicer and look again.").format(names=", ".join(still)))
    else:
        log(_("Everything is installed."))
    return not still


def _installOne(name: str) -> None:
    if name == PYTORCH and hasPyTorchExtension():
        from PyTorchUtils import PyTorchUtilsLogic

        required = f">={MINIMUM_VERSIONS[name]}"
        if PyTorchUtilsLogic().installTorch(askConfirmation=False, torchVersionRequirement=required) is None:
            raise RuntimeError(_("the PyTorch extension installed nothing; open PyTorch Utils to see why"))
    else:
        _installWithPip(name)


def _installWithPip(name: str) -> None:
    try:
        from slicer.packaging import pip_ensure  # Slicer 5.11 and newer, which does not import it by itself
    except ImportError:
        slicer.util.pip_install(requirements([name]))
    else:  # shows its own progress
        pip_ensure(requirements([name]), prompt_install=False, requester=REQUESTER)


def _missing(names: Iterable[str]) -> list[str]:
    importlib.invalidate_caches()
    return [name for name in names if not _isInstalled(name, MINIMUM_VERSIONS[name])]


def _isInstalled(name: str, minimum: str) -> bool:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return _numbers(version) >= _numbers(minimum)


def _numbers(version: str) -> list[int]:
    """ "2.13.0+cpu" as [2, 13, 0]."""
    return [int(number) for number in re.findall(r"\d+", version.partition("+")[0])]

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
from collections.abc import Callable

import slicer
from slicer.i18n import tr as _

REQUESTER = "DiNTS"
PYTORCH = "torch"
MINIMUM_VERSIONS = {PYTORCH: "2.6", "PyYAML": "6"}  # as in the engine's pyproject.toml
DISK_GIGABYTES = {PYTORCH: 7.0, "PyYAML": 0.01}  # PyTorch with the libraries of an NVIDIA GPU; a tenth without
DOWNLOAD_GIGABYTES = {PYTORCH: 3.5, "PyYAML": 0.001}

Confirm = Callable[[str], bool]
Log = Callable[[str], None]


def missing() -> list[str]:
    """Packages that are not installed or too old, by the names that pip knows."""
    importlib.invalidate_caches()
    return [name for name, version in MINIMUM_VERSIONS.items() if not _isInstalled(name, version)]


def requirements(names: list[str]) -> list[str]:
    """As pip takes them: ranges, no pins."""
    return [f"{name}>={MINIMUM_VERSIONS[name]}" for name in names]


def hasPyTorchExtension() -> bool:
    """Whether the extension that chooses the PyTorch for the computer's GPU is installed."""
    return hasattr(slicer.modules, "pytorchutils")


def sentence() -> str:
    """What is missing, from where it would be installed, how much it is, and how much room there is; "" if nothing."""
    names = missing()
    if not names:
        return ""
    text = _(
        "DiNTS needs {names}. Installing downloads up to {download:.1f} GB, which take up to {disk:.1f} GB on the disk "
        "(without an NVIDIA GPU about a tenth); {free:.0f} GB are free."
    ).format(
        names=_(" and ").join(requirements(names)),
        download=sum(DOWNLOAD_GIGABYTES[name] for name in names),
        disk=sum(DISK_GIGABYTES[name] for name in names),
        free=shutil.disk_usage(sys.prefix).free / 1e9,
    )
    if PYTORCH not in names:
        return text
    if hasPyTorchExtension():
        return text + " " + _("The PyTorch extension chooses the version that fits the GPU.")
    return text + " " + _("Install the PyTorch extension first to get the version that fits the GPU.")


def install(confirm: Confirm, log: Log) -> bool:
    """Installs what is missing, if `confirm`, which gets `sentence()`, returns True.

    Blocks until it is done. `log` is told each step and the reason of a failure.

    Returns:
        Whether nothing is missing now.
    """
    names = missing()
    if not names:
        return True
    if not confirm(sentence()):
        log(_("Not installed: it was declined."))
        return False
    try:
        for name in names:
            log(_("Installing {name}…").format(name=name))
            _installOne(name)
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        log(_("{name} could not be installed: {reason}").format(name=name, reason=error))
        return False
    still = missing()
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
    elif hasattr(slicer, "packaging"):  # Slicer 5.11 and newer; shows its own progress
        slicer.packaging.pip_ensure(requirements([name]), prompt_install=False, requester=REQUESTER)
    else:
        slicer.util.pip_install(requirements([name]))


def _isInstalled(name: str, minimum: str) -> bool:
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return _numbers(version) >= _numbers(minimum)


def _numbers(version: str) -> list[int]:
    """ "2.13.0+cpu" as [2, 13, 0]."""
    return [int(number) for number in re.findall(r"\d+", version.partition("+")[0])]

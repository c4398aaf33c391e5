"""What is missing is installed on request only, by whatever the application has for it."""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest


@pytest.fixture
def panel(host: Any) -> Iterator[Any]:
    yield host.open_module("DiNTSEngine", 400, 640)
    host.close_module("DiNTSEngine")


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Versions of packages, for tests to change; what is not in here is not installed."""
    versions = {"torch": "2.13.0+cpu", "PyYAML": "6.0.3", "safetensors": "0.8.0", "matplotlib": "3.10.0"}

    def version(name: str) -> str:
        if name not in versions:
            raise importlib.metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    return versions


@pytest.fixture
def pip(installed: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What `slicer.util.pip_install` was asked for; it succeeds."""
    import slicer

    asked: list[str] = []

    def pip_install(requirements: list[str]) -> None:
        asked.extend(requirements)
        installed.update((requirement.split(">=")[0], requirement.split(">=")[1]) for requirement in requirements)

    monkeypatch.setitem(vars(slicer.util), "pip_install", pip_install)
    return asked


def test_what_is_missing_is_said_with_its_size(host: Any, installed: dict[str, str], panel: Any) -> None:
    installed.clear()
    panel.panel.refresh()
    assert host.is_shown(panel.ui.installButton)
    text = panel.ui.statusLabel.text
    assert "DiNTS needs torch>=2.6, PyYAML>=6, safetensors>=0.4.3. Reports need matplotlib>=3.8." in text
    assert "downloads up to 3.5 GB, which take up to 7.1 GB" in text
    assert "GB are free" in text
    assert "Install the PyTorch extension first" in text


def test_what_only_reports_need_is_offered_but_stops_nothing(
    host: Any, installed: dict[str, str], pip: list[str]
) -> None:
    from DiNTSLib import dependencies

    del installed["matplotlib"]
    assert dependencies.missing() == []
    assert dependencies.sentence() == ""
    assert "Reports need matplotlib" in dependencies.offer()
    assert dependencies.install(lambda text: True, [].append)
    assert pip == ["matplotlib>=3.8"]
    assert dependencies.offer() == ""


def test_declining_installs_nothing(host: Any, installed: dict[str, str], pip: list[str], panel: Any) -> None:
    installed.clear()
    panel.panel.refresh()
    with host.answering("Cancel"):
        host.click(panel.ui.installButton)
    assert pip == []
    assert "declined" in panel.ui.logEdit.plainText
    assert host.is_shown(panel.ui.installButton)


def test_confirming_installs_what_is_missing(host: Any, installed: dict[str, str], pip: list[str], panel: Any) -> None:
    del installed["PyYAML"]
    panel.panel.refresh()
    with host.answering("OK"):
        host.click(panel.ui.installButton)
    assert pip == ["PyYAML>=6"]
    assert "Everything is installed." in panel.ui.logEdit.plainText
    assert not host.is_shown(panel.ui.installButton)


@pytest.mark.parametrize(("version", "isMissing"), [("2.5.1", True), ("2.6.0", False), ("2.13.0+cu128", False)])
def test_a_version_that_is_too_old_counts_as_missing(
    host: Any, installed: dict[str, str], version: str, isMissing: bool
) -> None:
    from DiNTSLib import dependencies

    installed["torch"] = version
    assert dependencies.missing() == (["torch"] if isMissing else [])


def test_a_failed_installation_is_told(host: Any, installed: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    import slicer

    from DiNTSLib import dependencies

    def pip_install(requirements: list[str]) -> None:
        raise RuntimeError("no network")

    monkeypatch.setitem(vars(slicer.util), "pip_install", pip_install)
    installed.clear()
    log: list[str] = []
    assert not dependencies.install(lambda text: True, log.append)
    assert log[-1] == "torch could not be installed: no network"


def test_nothing_is_asked_where_nothing_is_missing(host: Any, installed: dict[str, str]) -> None:
    from DiNTSLib import dependencies

    assert dependencies.install(lambda text: pytest.fail("asked"), [].append)
    assert dependencies.sentence() == ""


@pytest.fixture
def pytorch_utils(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Function that puts the PyTorch extension in place; gets its `installTorch`."""
    import slicer

    def put(install_torch: Any) -> None:
        module = ModuleType("PyTorchUtils")
        logic = type("PyTorchUtilsLogic", (), {"installTorch": lambda self, **arguments: install_torch(**arguments)})
        module.PyTorchUtilsLogic = logic
        monkeypatch.setitem(sys.modules, "PyTorchUtils", module)
        monkeypatch.setattr(slicer.modules, "pytorchutils", object(), raising=False)

    return put


def test_the_pytorch_extension_installs_pytorch(
    host: Any, installed: dict[str, str], pip: list[str], pytorch_utils: Any
) -> None:
    from DiNTSLib import dependencies

    calls: list[dict[str, Any]] = []

    def install_torch(**arguments: Any) -> object:
        calls.append(arguments)
        installed["torch"] = "2.8.0"
        return object()

    pytorch_utils(install_torch)
    del installed["torch"]
    assert "The PyTorch extension chooses" in dependencies.sentence()
    assert dependencies.install(lambda text: True, [].append)
    assert calls == [{"askConfirmation": False, "torchVersionRequirement": ">=2.6"}]
    assert pip == []


def test_a_refusal_of_the_pytorch_extension_is_told_and_pip_is_not_asked_instead(
    host: Any, installed: dict[str, str], pip: list[str], pytorch_utils: Any, panel: Any
) -> None:
    pytorch_utils(lambda **arguments: None)
    del installed["torch"]
    panel.panel.refresh()
    with host.answering("OK"):
        host.click(panel.ui.installButton)
    assert "torch could not be installed: the PyTorch extension installed nothing" in panel.ui.logEdit.plainText
    assert "open PyTorch Utils to see why" in panel.ui.logEdit.plainText
    assert pip == []
    assert host.is_shown(panel.ui.installButton)


def test_a_pytorch_that_cannot_be_imported_is_told(host: Any, installed: dict[str, str], pytorch_utils: Any) -> None:
    from DiNTSLib import dependencies

    def install_torch(**arguments: Any) -> object:
        raise ImportError("a library of the GPU is missing")  # the extension imports what it installed

    pytorch_utils(install_torch)
    del installed["torch"]
    log: list[str] = []
    assert not dependencies.install(lambda text: True, log.append)
    assert log[-1] == "torch could not be installed: a library of the GPU is missing"


def test_what_is_installed_only_after_a_restart_is_said(
    host: Any, installed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import slicer

    from DiNTSLib import dependencies

    monkeypatch.setitem(vars(slicer.util), "pip_install", lambda requirements: None)
    del installed["PyYAML"]
    log: list[str] = []
    assert not dependencies.install(lambda text: True, log.append)
    assert log[-1] == "PyYAML cannot be found yet: restart Slicer and look again."


def test_newer_slicers_install_with_their_packaging(
    host: Any, installed: dict[str, str], pip: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from DiNTSLib import dependencies

    calls: list[tuple] = []

    def pip_ensure(requirements: list[str], prompt_install: bool, requester: str) -> None:
        calls.append((requirements, prompt_install, requester))
        installed["PyYAML"] = "6.0"

    monkeypatch.setitem(sys.modules, "slicer.packaging", SimpleNamespace(pip_ensure=pip_ensure))
    del installed["PyYAML"]
    assert dependencies.install(lambda text: True, [].append)
    assert calls == [(["PyYAML>=6"], False, "DiNTS")]
    assert pip == []

"""The hidden module: what its panel shows, that it installs on request only, and the sample data."""

from __future__ import annotations

import importlib
import importlib.metadata
import io
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

START_SECONDS = 30.0


@pytest.fixture
def panel(host: Any) -> Iterator[Any]:
    yield host.open_module("DiNTSEngine", 400, 640)
    host.close_module("DiNTSEngine")


@pytest.fixture
def examined(host: Any, panel: Any) -> Any:
    """The panel after the doctor's visit."""
    host.wait_until(lambda: panel.ui.refreshButton.enabled, START_SECONDS)
    return panel


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Versions of packages, for tests to change; what is not in here is not installed."""
    versions = {"torch": "2.13.0+cpu", "PyYAML": "6.0.3", "matplotlib": "3.10.0"}

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


def test_the_module_is_hidden_and_has_an_icon(panel: Any) -> None:
    import slicer

    assert slicer.modules.dintsengine.hidden
    assert not slicer.modules.dintsengine.icon.isNull()


def test_a_python_that_is_too_old_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import DiNTSLib

    monkeypatch.setattr(sys, "version_info", (3, 9, 10))
    with pytest.raises(ImportError, match=r"this Slicer has 3\.9: use Slicer 5\.10 or newer"):
        importlib.reload(DiNTSLib)


def test_the_panel_shows_versions_devices_and_findings(examined: Any) -> None:
    report = examined.ui.reportEdit.plainText
    for text in ("Slicer: 5.8.1", "dints: ", "python: ", "torch: ", "gpus: ", "memory: ", "free_disk: "):
        assert text in report
    assert not examined.ui.installButton.visible
    assert examined.ui.statusLabel.text == "Everything that DiNTS needs is installed."


def test_the_report_is_copied(host: Any, examined: Any) -> None:
    import slicer

    host.click(examined.ui.copyButton)
    assert slicer.app.clipboard().text() == examined.ui.reportEdit.plainText


def test_the_computer_is_examined_again(host: Any, examined: Any) -> None:
    host.click(examined.ui.refreshButton)
    assert examined.ui.reportEdit.plainText == "Examining…"
    host.wait_until(lambda: examined.ui.refreshButton.enabled, START_SECONDS)
    assert "torch: " in examined.ui.reportEdit.plainText


def has_ended(stat: Path) -> bool:
    """Whether the process of a file /proc/<pid>/stat is gone, or waits to be noticed."""
    return not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] == "Z"


@pytest.mark.parametrize("isReloaded", [False, True])
def test_closing_or_reloading_during_the_examination_leaves_no_process(host: Any, isReloaded: bool) -> None:
    panel = host.open_module("DiNTSEngine")
    stat = Path(f"/proc/{panel.panel._process._child.pid}/stat")
    assert not has_ended(stat)
    if isReloaded:
        panel.onReload()
    host.close_module("DiNTSEngine")
    host.wait_until(lambda: has_ended(stat), 5)


def test_what_is_missing_is_said_with_its_size(host: Any, installed: dict[str, str], panel: Any) -> None:
    installed.clear()
    panel.panel.refresh()
    assert panel.ui.installButton.visible
    text = panel.ui.statusLabel.text
    assert "DiNTS needs torch>=2.6, PyYAML>=6. Reports need matplotlib>=3.8." in text
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
    assert panel.ui.installButton.visible


def test_confirming_installs_what_is_missing(host: Any, installed: dict[str, str], pip: list[str], panel: Any) -> None:
    del installed["PyYAML"]
    panel.panel.refresh()
    with host.answering("OK"):
        host.click(panel.ui.installButton)
    assert pip == ["PyYAML>=6"]
    assert "Everything is installed." in panel.ui.logEdit.plainText
    assert not panel.ui.installButton.visible


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
    assert panel.ui.installButton.visible


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
    import slicer

    from DiNTSLib import dependencies

    calls: list[tuple] = []

    def pip_ensure(requirements: list[str], prompt_install: bool, requester: str) -> None:
        calls.append((requirements, prompt_install, requester))
        installed["PyYAML"] = "6.0"

    monkeypatch.setattr(slicer, "packaging", SimpleNamespace(pip_ensure=pip_ensure), raising=False)
    del installed["PyYAML"]
    assert dependencies.install(lambda text: True, [].append)
    assert calls == [(["PyYAML>=6"], False, "DiNTS")]
    assert pip == []


def test_the_panel_opens_in_a_dialog(host: Any) -> None:
    from DiNTSLib.install_panel import showInstallPanel

    closed: list[bool] = []
    with host.answering(lambda dialog: dialog.reject()) as titles:
        showInstallPanel(lambda: closed.append(True))
    assert titles == ["DiNTS: what is installed"]
    assert closed == [True]


def test_the_phantom_needs_no_network(panel: Any) -> None:
    import slicer

    slicer.selfTests["DiNTSEngine"]()


def test_samples_are_registered_with_address_and_checksum(host: Any) -> None:
    import slicer

    from DiNTSLib import sample_data

    sources: list[dict[str, Any]] = []
    sample_data.register(lambda **source: sources.append(source), str(Path(sample_data.__file__).parents[1]))
    phantom, hippocampus = sources
    assert {phantom["category"], hippocampus["category"]} == {"DiNTS"}
    assert phantom["uris"] == phantom["fileNames"] == []
    assert hippocampus["uris"].startswith("https://")
    assert slicer.util.extractAlgoAndDigest(hippocampus["checksums"])[0] == "MD5"
    assert phantom["customDownloader"](None).GetName() == "DiNTS phantom"


def test_thumbnails_are_there(panel: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import slicer

    sources: list[dict[str, Any]] = []
    module = slicer.modules.DiNTSEngineInstance
    sampleData = ModuleType("SampleData")  # noqa: N806 (Slicer's name)
    register = staticmethod(lambda **source: sources.append(source))
    sampleData.SampleDataLogic = type("SampleDataLogic", (), {"registerCustomSampleDataSource": register})
    monkeypatch.setitem(sys.modules, "SampleData", sampleData)
    module.registerSampleData()
    assert [Path(source["thumbnailFileName"]).is_file() for source in sources] == [True, True]


def test_a_case_is_taken_from_the_decathlons_archive(host: Any, hippocampus: Path, tmp_path: Path) -> None:
    import slicer

    from DiNTSLib import sample_data

    scan = sorted((hippocampus / "imagesTr").glob("hippocampus_*.nii.gz"))[0]
    with tarfile.open(tmp_path / "data.tar", "w") as tar:
        tar.add(scan, sample_data.HIPPOCAMPUS_MEMBER)
    node = sample_data.loadHippocampus(str(tmp_path / "data.tar"))
    assert slicer.util.arrayFromVolume(node).ndim == 3


def test_an_archive_without_the_case_is_refused(host: Any, tmp_path: Path) -> None:
    from DiNTSLib import sample_data

    with tarfile.open(tmp_path / "data.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("other"), io.BytesIO(b""))
    with pytest.raises(ValueError, match="does not hold"):
        sample_data.loadHippocampus(str(tmp_path / "data.tar"))

"""The hidden module: what its panel shows, and the sample data."""

from __future__ import annotations

import importlib
import importlib.metadata
import io
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
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


def test_the_module_is_hidden_and_has_an_icon(panel: Any) -> None:
    import slicer

    assert slicer.modules.dintsengine.hidden
    assert not slicer.modules.dintsengine.icon.isNull()


def test_a_python_that_is_too_old_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import DiNTSLib

    monkeypatch.setattr(sys, "version_info", (3, 9, 10))
    with pytest.raises(ImportError, match=r"this Slicer has 3\.9: use Slicer 5\.10 or newer"):
        importlib.reload(DiNTSLib)


def test_the_panel_shows_versions_devices_and_findings(host: Any, examined: Any) -> None:
    report = examined.ui.reportEdit.plainText
    for text in ("Slicer: 5.8.1", "dints: ", "python: ", "torch: ", "gpus: ", "memory: ", "free_disk: "):
        assert text in report
    assert not host.is_shown(examined.ui.installButton)
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


@pytest.mark.parametrize("content", ["another file", "a folder of that name"])
def test_an_archive_without_the_case_is_refused(host: Any, tmp_path: Path, content: str) -> None:
    from DiNTSLib import sample_data

    is_folder = content == "a folder of that name"
    entry = tarfile.TarInfo(sample_data.HIPPOCAMPUS_MEMBER if is_folder else "other")
    entry.type = tarfile.DIRTYPE if is_folder else tarfile.REGTYPE
    with tarfile.open(tmp_path / "data.tar", "w") as tar:
        tar.addfile(entry, io.BytesIO(b""))
    with pytest.raises(ValueError, match="does not hold"):
        sample_data.loadHippocampus(str(tmp_path / "data.tar"))

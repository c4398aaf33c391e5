"""Ranked scans that are opened: again, not at all, with another model, and from folders of any name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .facts import segments_of
from .fake_engine import FakeProcess, paint
from .test_learning import write_proposal


@pytest.fixture
def ranked(corrected: Any, processes: list[FakeProcess], host: Any, shared_data: Path, tmp_path: Path) -> Any:
    """The panel while it ranks a folder whose name needs care, after the first scan; and its row."""
    folder = tmp_path / "O'Brien & Söhne #1"
    folder.mkdir()
    scan = shared_data / "ct" / "example_ct_crop.nii.gz"
    write_proposal(scan, folder / "a.nii.gz")
    (folder / "a.png").write_bytes(b"")
    corrected.ui.scansEdit.currentPath = str(folder)
    host.wait_until(lambda: corrected.ui.rankButton.enabled)
    host.click(corrected.ui.rankButton)
    host.wait_until(lambda: processes)
    row = {"case": "a", "images": [str(scan)], "proposal": str(folder / "a.nii.gz")}
    row |= {"disagreement": 0.08, "predicted_dice": None, "error": None}
    processes[0].onEvent({"event": "result", "name": "ranked", "values": row})
    return corrected, row


def nodes() -> list[Any]:
    import slicer

    return [
        node
        for kind in ("vtkMRMLScalarVolumeNode", "vtkMRMLSegmentationNode")
        for node in slicer.util.getNodesByClass(kind)
    ]


def test_a_scan_that_is_opened_twice_comes_as_it_was_corrected(host: Any, ranked: Any) -> None:
    panel, row = ranked
    panel.panel.learn._onOpened(row)
    segmentation, before = panel.panel.parameters.segmentation, len(nodes())
    paint(segmentation, "Segment_1", panel.panel.inputs.volumes[0], 3)
    drawn = segments_of(segmentation)
    panel.panel.parameters.segmentation = None
    host.double_click_cell(panel.ui.rankTree, 0, 1)
    assert panel.panel.parameters.segmentation is segmentation
    assert segments_of(segmentation) == drawn
    assert len(nodes()) == before


def test_a_scan_whose_volume_was_deleted_is_loaded_again_once(host: Any, ranked: Any) -> None:
    """The segmentation without its volume hid the pair that was loaded after it, with what was corrected there."""
    import slicer

    panel, row = ranked
    panel.panel.learn._onOpened(row)
    slicer.mrmlScene.RemoveNode(panel.panel.inputs.volumes[0])
    panel.panel.learn._onOpened(row)
    second, before = panel.panel.parameters.segmentation, len(nodes())
    panel.panel.learn._onOpened(row)
    assert panel.panel.parameters.segmentation is second
    assert len(nodes()) == before


def test_an_opened_scan_is_shown_with_its_own_segmentations_alone(host: Any, ranked: Any, ct: Any) -> None:
    panel, row = ranked
    drawn = panel.panel.parameters.segmentation
    drawn.CreateDefaultDisplayNodes()
    panel.panel.learn._onOpened(row)
    proposal = panel.panel.parameters.segmentation
    assert [node.GetDisplayNode().GetVisibility() for node in (drawn, proposal)] == [0, 1]


def test_a_scan_that_cannot_be_opened_leaves_nothing_and_the_ranking_goes_on(host: Any, ranked: Any) -> None:
    panel, row = ranked
    before = len(nodes())
    Path(row["proposal"]).unlink()
    host.double_click_cell(panel.ui.rankTree, 0, 1)
    assert "a.nii.gz" in panel.ui.learnLabel.text
    assert len(nodes()) == before
    assert not panel.ui.rankButton.enabled


def test_a_proposal_has_the_labels_of_the_model_that_made_it(host: Any, ranked: Any, install: Any) -> None:
    panel, row = ranked
    install("hippocampus.zip")
    panel.panel.models.refresh("hippocampus.zip")
    panel.panel.learn._onOpened(row)
    assert set(segments_of(panel.panel.parameters.segmentation)) == {"liver", "kidney"}


def test_the_picture_at_the_pointer_is_found_whatever_its_folder_is_called(ranked: Any) -> None:
    from PySide6.QtGui import QTextDocument

    panel, row = ranked
    document = QTextDocument()
    document.setHtml(panel.ui.rankTree.topLevelItem(0).toolTip(0))
    names = [part.fragment().charFormat().toImageFormat().name() for part in document.begin()]
    assert str(Path(row["proposal"]).with_name("a.png")) in names

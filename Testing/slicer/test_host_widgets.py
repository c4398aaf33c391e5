"""CTK's and Slicer's widgets in the host."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture
def slicer(host: Any) -> Any:
    import slicer

    return slicer


@pytest.fixture
def selector(slicer: Any) -> Any:
    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    selector.setMRMLScene(slicer.mrmlScene)
    return selector


def add(slicer: Any, name: str, kind: str = "vtkMRMLScalarVolumeNode") -> Any:
    return slicer.mrmlScene.AddNewNodeByClass(kind, name)


def test_a_selector_is_disabled_without_a_scene(slicer: Any) -> None:
    selector = slicer.qMRMLNodeComboBox()
    assert not selector.enabled
    selector.setMRMLScene(slicer.mrmlScene)
    assert selector.enabled


def test_a_selector_without_none_takes_the_first_node(slicer: Any, selector: Any) -> None:
    assert selector.currentNode() is None
    first = add(slicer, "first")
    add(slicer, "second")
    assert selector.currentNode() is first
    assert selector.nodeCount() == 2
    slicer.mrmlScene.RemoveNode(first)
    assert selector.currentNode().GetName() == "second"


def test_a_selector_with_none_keeps_none(slicer: Any, selector: Any) -> None:
    selector.noneEnabled = True
    add(slicer, "first")
    assert selector.currentNode() is None
    assert selector.currentNodeID == ""


def test_a_selector_lists_only_its_classes_and_visible_nodes(slicer: Any, selector: Any) -> None:
    add(slicer, "labels", "vtkMRMLLabelMapVolumeNode")
    add(slicer, "table", "vtkMRMLTableNode")
    hidden = add(slicer, "hidden")
    hidden.SetHideFromEditors(True)
    add(slicer, "shown")
    assert selector.nodeCount() == 2
    selector.showChildNodeTypes = False
    assert selector.nodeCount() == 1
    selector.showHidden = True
    assert selector.nodeCount() == 2


def test_a_selector_tells_when_its_node_changes(slicer: Any, selector: Any) -> None:
    changes: list[Any] = []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", changes.append)
    selector.connect("currentNodeChanged(bool)", changes.append)
    selector.connect("currentNodeIDChanged(QString)", changes.append)
    node = add(slicer, "first")
    assert changes == [node, True, node.GetID()]
    changes.clear()
    slicer.mrmlScene.RemoveNode(node)
    assert changes == [None, False, ""]


def test_a_selector_adds_a_node_by_a_click(host: Any, slicer: Any, selector: Any) -> None:
    selector.baseName = "Result"
    selector.show()
    added: list[Any] = []
    selector.connect("nodeAddedByUser(vtkMRMLNode*)", added.append)
    host.choose(selector, "Create new " + selector.nodeTypeLabel("vtkMRMLScalarVolumeNode"))
    assert selector.currentNode().GetName() == "Result"
    assert added == [selector.currentNode()]


def test_a_slider_keeps_its_value_in_its_range(host: Any) -> None:
    import ctk

    slider, values = ctk.ctkSliderWidget(), []
    slider.connect("valueChanged(double)", values.append)
    slider.minimum, slider.maximum, slider.singleStep, slider.decimals = 0, 1, 0.1, 2
    slider.value = 0.25
    slider.value = 7
    assert slider.value == 1.0
    assert values == [0.25, 1.0]


def test_a_range_keeps_its_order(host: Any) -> None:
    import ctk

    widget = ctk.ctkRangeWidget()
    widget.setRange(-100, 100)
    widget.setValues(-5, 5)
    widget.minimumValue = 50
    assert (widget.minimumValue, widget.maximumValue) == (50.0, 50.0)


def test_a_path_edit_remembers_its_history_under_its_key(host: Any, tmp_path: Path) -> None:
    import ctk

    edit, paths = ctk.ctkPathLineEdit(), []
    edit.filters = ctk.ctkPathLineEdit.Files | ctk.ctkPathLineEdit.Readable
    edit.nameFilters = ["*.zip"]
    edit.settingKey = "Tests/history"
    edit.connect("currentPathChanged(QString)", paths.append)
    edit.currentPath = str(tmp_path)
    edit.addCurrentPathToHistory()
    again = ctk.ctkPathLineEdit()
    again.settingKey = "Tests/history"
    assert paths == [str(tmp_path)]
    assert again.currentPath == str(tmp_path)


def test_a_checkable_combo_box_knows_its_checked_items(host: Any) -> None:
    import ctk

    box, changes = ctk.ctkCheckableComboBox(), []
    box.addItems(["a", "b"])
    box.connect("checkedIndexesChanged()", lambda: changes.append(1))
    box.setCheckState(box.model().index(1, 0), 2)
    assert [index.row() for index in box.checkedIndexes()] == [1]
    assert changes


def test_a_folding_section_tells_when_it_folds(host: Any) -> None:
    import ctk
    import qt

    section, folded = ctk.ctkCollapsibleButton(), []
    layout = qt.QFormLayout(section)
    label, hidden = qt.QLabel("text"), qt.QLabel("hidden by the panel")
    layout.addRow(label)
    layout.addRow(hidden)
    hidden.hide()
    section.connect("contentsCollapsed(bool)", folded.append)
    section.show()
    section.collapsed = True
    assert not label.visible
    section.collapsed = False
    assert (label.visible, hidden.visible) == (True, False)
    assert folded == [True, False]


@pytest.fixture
def segmentation(slicer: Any) -> Any:
    node = add(slicer, "Segmentation", "vtkMRMLSegmentationNode")
    node.CreateDefaultDisplayNodes()
    volume = slicer.util.addVolumeFromArray(np.zeros((8, 8, 8)), name="CT")
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for name in ("liver", "tumour"):
        node.GetSegmentation().AddEmptySegment(name, name)
    cube = np.zeros((8, 8, 8), dtype=np.uint8)
    cube[2:6, 2:6, 2:6] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(cube, node, "liver", volume)
    return node


def test_a_segments_table_follows_the_segmentation(slicer: Any, segmentation: Any) -> None:
    table = slicer.qMRMLSegmentsTableView()
    table.setMRMLScene(slicer.mrmlScene)
    table.setSegmentationNode(segmentation)
    assert table.segmentCount == 2
    segmentation.GetSegmentation().RemoveSegment("tumour")
    assert table.displayedSegmentIDs() == ("liver",)
    table.setSelectedSegmentIDs(["liver"])
    assert table.selectedSegmentIDs() == ("liver",)


def test_the_3d_button_makes_and_removes_the_surface(host: Any, slicer: Any, segmentation: Any) -> None:
    button = slicer.qMRMLSegmentationShow3DButton()
    assert not button.enabled
    button.setSegmentationNode(segmentation)
    button.show()
    host.click(button)
    assert segmentation.GetSegmentation().ContainsRepresentation("Closed surface")
    host.click(button)
    assert not segmentation.GetSegmentation().ContainsRepresentation("Closed surface")


def test_a_table_view_shows_a_table_node(slicer: Any) -> None:
    import qt

    node = add(slicer, "Table", "vtkMRMLTableNode")
    slicer.util.updateTableFromArray(node, [np.array([1.0, 2.0])], ["volume"])
    view = slicer.qMRMLTableView()
    view.setMRMLTableNode(node)
    shown = view.model()
    assert shown.headerData(0, qt.Qt.Horizontal) == "A"
    assert [shown.index(row, 0).data() for row in range(shown.rowCount())] == ["volume", "1", "2"]
    node.SetUseColumnTitleAsColumnHeader(True)
    assert shown.headerData(0, qt.Qt.Horizontal) == "volume"
    assert [shown.index(row, 0).data() for row in range(shown.rowCount())] == ["1", "2"]


def test_the_first_of_new_segments_is_hidden_at_the_end_of_a_block_that_replaced_others(slicer: Any) -> None:
    node = add(slicer, "Result", "vtkMRMLSegmentationNode")
    node.CreateDefaultDisplayNodes()

    def replace(*names: str) -> list[bool]:
        with slicer.util.NodeModify(node):
            node.GetSegmentation().RemoveAllSegments()
            for name in names:
                node.GetSegmentation().AddEmptySegment(name)
        return [bool(node.GetDisplayNode().GetSegmentVisibility(name)) for name in names]

    assert replace("liver", "kidney") == [True, True]
    assert replace("liver", "aorta") == [True, True]
    assert replace("spleen", "aorta") == [False, True]


def test_a_plot_view_draws_a_chart(host: Any, slicer: Any, tmp_path: Path) -> None:
    nodes: dict[str, Any] = {}
    chart = slicer.util.plot(np.array([[0.0, 1.0], [1.0, 3.0]]), 0, title="Loss", show=False, nodes=nodes)
    view_node = add(slicer, "View", "vtkMRMLPlotViewNode")
    view_node.SetPlotChartNodeID(chart.GetID())
    view = slicer.qMRMLPlotView()
    view.setMRMLScene(slicer.mrmlScene)
    view.setMRMLPlotViewNode(view_node)
    assert view.title == "Loss"
    assert host.photograph(view, tmp_path / "plot.png").is_file()


def test_a_message_box_told_not_to_come_again_keeps_its_answer(host: Any, slicer: Any) -> None:
    import ctk

    def ask() -> int:
        box = ctk.ctkMessageBox()
        box.text = "Install?"
        box.addButton(ctk.ctkMessageBox.Ok)
        box.dontShowAgainSettingsKey = "Tests/install"
        box.dontShowAgain = True
        return box.exec_()

    with host.answering("OK"):
        assert ask() == ctk.ctkMessageBox.Ok
    assert ask() == ctk.ctkMessageBox.Ok


@pytest.mark.parametrize(
    ("widget", "problem"),
    [
        ('<widget class="QLabel" name="a"><property name="nosuch"><bool>true</bool></property></widget>', "nosuch"),
        ('<widget class="qMRMLNoSuchWidget" name="a"/>', "qMRMLNoSuchWidget"),
    ],
)
def test_a_ui_file_with_something_unknown_is_refused(slicer: Any, tmp_path: Path, widget: str, problem: str) -> None:
    path = tmp_path / "panel.ui"
    path.write_text(f'<ui version="4.0"><class>A</class>{widget}</ui>')
    with pytest.raises(Exception, match=problem):
        slicer.util.loadUI(str(path))

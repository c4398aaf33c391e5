"""Typed parameter nodes in the host, as Slicer 5.8.1 has them."""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Any, Optional

import pytest


@pytest.fixture
def node(host: Any) -> Any:
    import slicer

    return slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScriptedModuleNode")


@pytest.fixture
def wrap(host: Any) -> Any:
    """Makes a wrapper class of one parameter `x` of the type given."""
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    def make(datatype: Any) -> type:
        return parameterNodeWrapper(type("Parameters", (), {"__annotations__": {"x": datatype}}))

    return make


class Mode(enum.Enum):
    FAST = 1
    SLOW = 2


@pytest.mark.parametrize(
    ("datatype", "default", "value", "name", "text"),
    [
        (int, 0, 3, "x", "3"),
        (float, 0.0, 2.5, "x", "2.5"),
        (str, "", "words", "x", "words"),
        (bool, False, True, "x", "True"),
        (Path, Path(), Path("/models"), "x", "/models"),
        (Mode, Mode.FAST, Mode.SLOW, "x", "SLOW"),
        (Optional[int], None, 4, "x.0", "4"),  # noqa: UP045 (Slicer 5.8 takes no `X | None`)
        (list[int], [], [5, 6], "x.1", "6"),
        (tuple[int, str], (0, ""), (7, "a"), "x.1", "a"),
        (dict[str, float], {}, {"a": 1.5}, "x.0.1", "1.5"),
    ],
)
def test_each_type_is_written_as_slicer_writes_it(
    node: Any, wrap: Any, datatype: Any, default: Any, value: Any, name: str, text: str
) -> None:
    parameters = wrap(datatype)(node)
    assert parameters.x == default
    parameters.x = value
    assert parameters.x == value
    assert node.GetParameter(name) == text


def test_a_node_is_kept_as_a_reference(node: Any, wrap: Any) -> None:
    import slicer

    volume = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    parameters = wrap(slicer.vtkMRMLScalarVolumeNode)(node)
    assert parameters.x is None
    parameters.x = volume
    assert node.GetNodeReference("x") is volume
    slicer.mrmlScene.RemoveNode(volume)
    assert parameters.x is None


def test_changing_a_list_changes_the_node(node: Any, wrap: Any) -> None:
    parameters = wrap(list[str])(node)
    parameters.x.append("a")
    parameters.x.append("b")
    parameters.x.remove("a")
    assert parameters.x == ["b"]
    assert (node.GetParameter("x.len"), node.GetParameter("x.0")) == ("1", "b")


def test_a_dict_gives_no_default(node: Any, wrap: Any) -> None:
    parameters = wrap(dict[str, str])(node)
    parameters.x = {"a": "b"}
    assert parameters.x.get("a") == "b"
    with pytest.raises(TypeError):
        parameters.x.get("c", "d")
    with pytest.raises(TypeError):
        parameters.x.pop("c", "d")


def test_an_observer_may_see_the_value_before_the_last_one(node: Any, wrap: Any) -> None:
    from vtk import vtkCommand

    parameters = wrap(int)(node)
    seen = []
    tag = node.AddObserver(vtkCommand.ModifiedEvent, lambda caller, event: seen.append(parameters.x))
    node.SetParameter("x", "5")  # as the import of a scene does
    parameters.x = 6
    node.RemoveObserver(tag)
    assert seen == [0, 6]
    assert parameters.x == 6


@pytest.mark.parametrize(("datatype", "value"), [(int, 1.5), (str, None), (bool, 1), (Path, "/a"), (list[int], ["a"])])
def test_a_value_of_another_type_is_refused(node: Any, wrap: Any, datatype: Any, value: Any) -> None:
    parameters = wrap(datatype)(node)
    with pytest.raises((TypeError, ValueError)):
        parameters.x = value


def test_validators_refuse_values(node: Any, wrap: Any) -> None:
    from slicer.parameterNodeWrapper import Choice, Default, WithinRange

    parameters = wrap(Annotated[float, WithinRange(0, 1), Default(0.5)])(node)
    assert parameters.x == 0.5
    with pytest.raises(ValueError, match=r"within \[0, 1\]"):
        parameters.x = 2.0

    vote = wrap(Annotated[str, Choice(["mean", "majority"]), Default("mean")])
    with pytest.raises(ValueError, match="one of"):
        vote(node).x = "none"


def test_unions_with_a_bar_are_refused_as_in_5_8(wrap: Any) -> None:
    with pytest.raises(TypeError):
        wrap(int | None)


def test_reserved_names_are_refused(host: Any) -> None:
    from slicer.parameterNodeWrapper import parameterNodeWrapper

    with pytest.raises(ValueError, match="setValue"):
        parameterNodeWrapper(type("Parameters", (), {"__annotations__": {"setValue": int}}))


@pytest.mark.parametrize(
    ("datatype", "widget"),
    [
        (int, "QPlainTextEdit"),
        (str, "QPlainTextEdit"),
        (int, "QDoubleSpinBox"),
        (bool, "QRadioButton"),
        (str, "QComboBox"),
    ],
)
def test_a_widget_that_slicer_cannot_bind_is_refused(node: Any, wrap: Any, datatype: Any, widget: str) -> None:
    import qt

    with pytest.raises(RuntimeError):
        wrap(datatype)(node).connectParametersToGui({"x": getattr(qt, widget)()})


def test_a_subclass_of_a_widget_is_refused_as_its_type_differs(node: Any, wrap: Any) -> None:
    import qt

    class Box(qt.QCheckBox):
        pass

    with pytest.raises(RuntimeError):
        wrap(bool)(node).connectParametersToGui({"x": Box()})


def test_widgets_and_parameters_follow_each_other_until_disconnected(node: Any, wrap: Any) -> None:
    import qt

    parameters, box = wrap(bool)(node), qt.QCheckBox()
    tag = parameters.connectParametersToGui({"x": box})
    box.checked = True
    assert parameters.x is True
    parameters.x = False
    assert box.checked is False
    parameters.disconnectGui(tag)
    box.checked = True
    assert parameters.x is False


def test_connect_gui_finds_widgets_by_property_and_returns_nothing(node: Any, wrap: Any) -> None:
    import qt

    parameters, panel = wrap(str)(node), qt.QWidget()
    edit = qt.QLineEdit(panel)
    edit.setProperty("SlicerParameterName", "x")
    assert parameters.connectGui(panel) is None
    edit.text = "typed"
    assert parameters.x == "typed"


def test_a_selector_with_none_starts_with_no_node_after_binding(node: Any, wrap: Any) -> None:
    import slicer

    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    selector = slicer.qMRMLNodeComboBox()
    selector.noneEnabled = True
    selector.setMRMLScene(slicer.mrmlScene)
    parameters = wrap(slicer.vtkMRMLScalarVolumeNode)(node)
    parameters.connectParametersToGui({"x": selector})
    assert selector.nodeTypes == ("vtkMRMLScalarVolumeNode",)
    assert selector.currentNode() is None
    assert parameters.x is None

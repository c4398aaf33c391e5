"""The host end to end: a scripted module opened, clicked, saved and loaded again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

DEMO = Path(__file__).parent / "demo" / "HostDemo" / "HostDemo.py"


@pytest.fixture
def panel(host: Any) -> Iterator[Any]:
    yield host.open_module(DEMO)
    host.close_module("HostDemo")


@pytest.fixture
def volume(panel: Any) -> Any:
    import slicer

    return slicer.util.addVolumeFromArray(np.linspace(0, 99, 100).reshape(4, 5, 5), name="Ramp")


def test_a_panel_shows_the_defaults_of_its_parameters(panel: Any) -> None:
    assert panel.ui.thresholdSlider.value == 40.0
    assert panel.ui.foldsBox.value == 5
    assert (panel.ui.foldsBox.minimum, panel.ui.foldsBox.maximum) == (1, 5)
    assert panel.ui.voteBox.currentText == "majority"
    assert panel.ui.qualityBox.currentText == "best"
    assert panel.ui.volumeSelector.currentNode() is None


def test_clicks_and_keys_reach_the_parameter_node(host: Any, panel: Any, volume: Any) -> None:
    host.choose(panel.ui.volumeSelector, "Ramp")
    host.click(panel.ui.invertBox)
    host.type_text(panel.ui.labelEdit, "organ")
    host.type_text(panel.ui.foldsBox, "3")
    host.choose(panel.ui.qualityBox, "quick")
    node = panel.logic.getParameterNode()
    assert panel.parameters.volume is volume
    assert node.GetParameter("invert") == "True"
    assert node.GetParameter("label") == "organ"
    assert node.GetParameter("folds") == "3"
    assert node.GetParameter("quality") == "QUICK"


def test_the_parameter_node_reaches_the_widgets(panel: Any) -> None:
    panel.parameters.threshold = 12.5
    panel.parameters.vote = "mean"
    panel.parameters.model = Path("/models/a.zip")
    assert panel.ui.thresholdSlider.value == 12.5
    assert panel.ui.voteBox.currentText == "mean"
    assert panel.ui.modelEdit.currentPath == "/models/a.zip"


def test_apply_runs_the_logic(host: Any, panel: Any, volume: Any) -> None:
    host.choose(panel.ui.volumeSelector, "Ramp")
    host.click(panel.ui.applyButton)
    host.wait_until(lambda: "later" in panel.log)
    assert panel.ui.statusLabel.text == "59 voxels"


def test_an_exception_in_a_slot_is_collected(host: Any, panel: Any) -> None:
    host.click(panel.ui.applyButton)
    (error,) = host.take_errors()
    assert str(error) == "no volume"


@pytest.mark.parametrize("suffix", [".mrml", ".mrb"])
def test_parameters_survive_saving_and_loading_the_scene(
    host: Any, panel: Any, volume: Any, tmp_path: Path, suffix: str
) -> None:
    import slicer

    host.choose(panel.ui.volumeSelector, "Ramp")
    host.type_text(panel.ui.labelEdit, "kept")
    panel.parameters.names = ["a", "b"]
    scene_file = tmp_path / f"scene{suffix}"
    assert slicer.util.saveNode(volume, str(tmp_path / "ramp.nrrd"))
    assert slicer.util.saveScene(str(scene_file))
    slicer.mrmlScene.Clear(False)
    assert panel.ui.labelEdit.text == "result"
    slicer.util.loadScene(str(scene_file))
    assert panel.ui.labelEdit.text == "kept"
    assert panel.parameters.volume.GetName() == "Ramp"
    assert panel.ui.volumeSelector.currentNode() is panel.parameters.volume
    assert list(panel.parameters.names) == ["a", "b"]


@pytest.mark.shown
def test_a_folded_section_hides_its_widgets(host: Any, panel: Any) -> None:
    host.click(panel.ui.inputsButton)
    assert panel.ui.inputsButton.collapsed
    assert not panel.ui.labelEdit.visible
    with pytest.raises(host.HostError, match="hidden"):
        host.click(panel.ui.invertBox)
    host.click(panel.ui.inputsButton)
    assert panel.ui.labelEdit.visible


def test_reloading_builds_the_panel_anew(host: Any, panel: Any) -> None:
    import slicer

    panel.onReload()
    again = slicer.modules.HostDemoWidget
    assert again is not panel
    assert again.ui.applyButton.text == "Apply"
    assert slicer.util.getModuleWidget("HostDemo") is again


def test_the_modules_own_test_runs(panel: Any) -> None:
    import slicer

    slicer.selfTests["HostDemo"]()


def test_a_module_is_found_under_its_lower_case_name(panel: Any) -> None:
    import slicer

    assert slicer.util.modulePath("HostDemo") == DEMO.as_posix()
    assert slicer.modules.hostdemo.title == "Host demo"
    assert not hasattr(slicer.modules, "nosuchmodule")


def test_a_panel_is_photographed(host: Any, panel: Any, tmp_path: Path) -> None:
    assert host.photograph(panel, tmp_path / "panel.png").stat().st_size > 0

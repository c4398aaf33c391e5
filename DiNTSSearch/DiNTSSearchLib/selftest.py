"""Tests that run inside the application."""

from __future__ import annotations

import tempfile

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModuleTest

from dints.run_layout import RunLayout
from DiNTSSearchLib.logic import DiNTSSearchLogic

TINY = {
    "sampling.patch": "[16, 16, 16]",
    "search.layers": "2",
    "search.levels": "2",
    "search.filters": "2",
    "search.iterations": "4",
    "search.checkpoint_every": "2",
}  # a search of a few seconds


class DiNTSSearchTest(ScriptedLoadableModuleTest):
    """The engine at work, on generated data."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear(False)

    def test_a_tiny_search_on_the_demo_data(self) -> None:
        logic = DiNTSSearchLogic()
        with tempfile.TemporaryDirectory(dir=slicer.app.temporaryPath) as folder:
            data = logic.makeDemoData(folder).results["data"]["path"]
            logic.check(data, folder, preset="phantom")
            logic.search(folder, data=data, changes=TINY, device="cpu")
            assert RunLayout(folder).search_state(4).finished

"""Parameters that stand for settings of the engine have the engine's limits and defaults, in both panels."""

from __future__ import annotations

from typing import Any

import pytest

from dints.config import all_settings

STANDING_FOR = {
    "DiNTSSearchLib.parameters.DiNTSSearchParameters.folds": "training.folds",
    "DiNTSSearchLib.parameters.DiNTSSearchParameters.memoryBudget": "search.memory_budget",
    "DiNTSSearchLib.parameters.DiNTSSearchParameters.iterations": "search.iterations",
    "DiNTSSearchLib.parameters.DiNTSSearchParameters.patchX": "sampling.patch",
    "DiNTSSearchLib.parameters.DiNTSSearchParameters.patchY": "sampling.patch",
    "DiNTSSearchLib.parameters.DiNTSSearchParameters.patchZ": "sampling.patch",
    "DiNTSSegmentationLib.parameters.SegmentationParameters.batchSize": "inference.batch_size",
}


@pytest.mark.parametrize("path", STANDING_FOR)
def test_a_parameter_takes_what_its_setting_takes(host: Any, path: str) -> None:
    import slicer

    module, cls, name = path.rsplit(".", 2)
    parameters = getattr(__import__(module, fromlist=[cls]), cls)(slicer.vtkMRMLScriptedModuleNode())
    known = all_settings()[STANDING_FOR[path]]
    several = isinstance(known.default, tuple)
    assert parameters.getValue(name) == (known.default["XYZ".index(name[-1])] if several else known.default)
    low, high = max(known.low, known.above), min(known.high, known.below)
    for value in (low, high):
        parameters.setValue(name, value)
    for value in (low - 1, high + 1):
        with pytest.raises(ValueError, match="within"):
            parameters.setValue(name, value)

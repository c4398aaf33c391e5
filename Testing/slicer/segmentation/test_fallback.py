"""Memory that runs out in the worker: the run goes on with less, and the panel says how."""

from __future__ import annotations

from typing import Any

import pytest

from .facts import segments_of

SMALL_MEMORY = """if True:
    import sys
    import torch
    from dints.cli import main

    def refuse(network, inputs):
        if isinstance(inputs[0], torch.Tensor) and len(inputs[0]) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    torch.nn.modules.module.register_module_forward_pre_hook(refuse)
    sys.exit(main(["worker"]))
"""  # the engine's worker, where a network has memory for no more than one window


@pytest.fixture
def small_memory(own_worker: None) -> None:
    """The application's worker is one with little memory."""
    import DiNTSLib.worker as workers
    from DiNTSLib.processes import engineCommand

    workers._shared.append(workers.EngineWorker([engineCommand()[0], "-u", "-c", SMALL_MEMORY]))


def test_the_step_that_was_taken_when_memory_ran_out_is_said(
    host: Any, small_memory: None, panel: Any, apply: Any
) -> None:
    host.click(panel.ui.advancedBox)
    host.type_text(panel.ui.batchSizeBox, "4")
    apply(panel)
    said = "memory ran out with 4 windows at once on the CPU"
    assert panel.ui.statusLabel.text.startswith(f"example_ct: done. {said}")
    assert panel.ui.statusLabel.text.endswith("starting again with one window at a time on the CPU")
    host.click(panel.ui.logBox)
    assert f"Warning: {said}" in panel.ui.logText.plainText
    assert sum(segments_of(panel.panel.parameters.segmentation).values()) > 0

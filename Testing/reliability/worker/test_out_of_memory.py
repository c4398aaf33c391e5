"""Main memory that really runs out: the process may take no more address space than it has, and a bit."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

SPARE = 96 * 2**20  # bytes: enough for the small scan, not for the large one
LARGE = (256, 256, 256)  # voxels; 64 MiB as floats, of which several copies are needed
# The limit is set by the first job that segments, when all libraries are loaded and its threads run.
LIMITED = f"""
import resource
import dints.service.worker
def limited(self, job, reporter, whole=dints.service.worker.Worker._segment):
    whole(self, job, reporter)
    size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + {SPARE}, resource.RLIM_INFINITY))
    dints.service.worker.Worker._segment = whole
    self._commands["segment"] = self._segment
dints.service.worker.Worker._segment = limited
"""

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def test_a_job_too_large_ends_in_a_sentence_and_the_next_is_done(
    launch: Callable, segment: dict[str, Any], tmp_path: Path
) -> None:
    large = tmp_path / "large.nrrd"
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros(LARGE, np.uint8)), large, useCompression=True)
    worker = launch(["worker"], LIMITED)
    worker.send(segment)
    worker.events_until("finished")
    Path(segment["output"]).unlink()
    worker.send(segment | {"job": 2, "inputs": [str(large)]}, segment | {"job": 3})
    (error,) = [event for event in worker.events_until("finished") if event["event"] == "error"]
    assert (error["job"], error["code"]) == (2, 1)
    assert error["text"].startswith(("image: memory ran out while it was prepared", f"{large}: memory ran out"))
    assert "; close other programs" in error["text"]
    assert Path(segment["output"]).is_file()

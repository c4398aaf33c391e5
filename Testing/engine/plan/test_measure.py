"""What is measured: the code of the run itself, within the time that it may take."""

from __future__ import annotations

import itertools
import math
import platform
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from dints import Architecture
from dints.data.datalist import read_datalist
from dints.plan import measure, stopwatch
from dints.plan.extents import Extent
from dints.plan.measure import Meter
from dints.zoo.shapes import u_shape
from dints.zoo.unet_design import UNetDesign

CPU = torch.device("cpu")


class Clock:
    """Stands in for `time`: work says how long it takes."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    own = Clock()
    monkeypatch.setattr(stopwatch, "time", own)
    return own


def test_the_first_step_does_not_count_and_the_median_of_the_others_does(clock):
    durations = iter([9.0, 1.0, 1.0, 5.0, 1.0, 1.0] + [1.0] * 20)

    def step() -> None:
        clock.now += next(durations)

    assert stopwatch.seconds_of(step, CPU, limit=20) == 1.0


def test_a_step_longer_than_the_limit_is_made_once(clock):
    count = itertools.count()

    def step() -> None:
        clock.now += 7.0
        next(count)

    assert stopwatch.seconds_of(step, CPU, limit=4) == 7.0
    assert next(count) == 1


@pytest.mark.parametrize("per_voxel", [1e-7, 1e-5, 1e-3])
def test_a_line_is_measured_in_the_time_that_it_may_take(clock, per_voxel):
    """A machine on which the real step takes a tenth of a second, 11 seconds or 18 minutes."""
    sizes = []

    @contextmanager
    def steppers(patch, batch):
        sizes.append(math.prod(patch) * batch)

        def step() -> None:
            clock.now += 0.01 + per_voxel * sizes[-1]

        yield step

    line = stopwatch.line_of(steppers, (64, 64, 64), 4, (16, 16, 16), CPU, limit=4)
    assert sizes[-1] <= 64**3 * 4
    assert line(64**3 * 4) == pytest.approx(0.01 + per_voxel * 64**3 * 4, rel=0.01)
    assert clock.now < 4 * 4 or sizes == [32**3]  # one smallest step may be longer than all that is wanted


def test_all_parts_are_measured_with_the_run_s_own_code_and_nothing_is_left(
    phantoms, tiny_config, tmp_path, monkeypatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    case = next(case for case in read_datalist(phantoms, tiny_config.task).cases if case.label)
    extent = Extent(case.name, (24, 24, 20), (1.0, 1.0, 1.0))
    with Meter(case, extent, tiny_config, CPU, seconds=0.05) as meter:
        searched = meter(tiny_config)
        given = meter(tiny_config, Architecture.random(tiny_config.search.space, 0))
    for timings in (searched, given):
        assert all(value > 0 for name, value in vars(timings).items() if name != "cropped")
        assert all(0 < share <= 1 for share in timings.cropped)
    assert searched.weights_step == given.weights_step  # measured once
    assert not list(Path(tmp_path).glob("dints-plan-*"))


@pytest.mark.quiet
def test_what_only_the_first_case_takes_does_not_count(phantoms, tiny_config, monkeypatch):
    """The first scoring loads libraries: of 200 cases it once made 8 s of 2."""
    durations = iter([0.5])

    def score(*_case) -> None:
        time.sleep(next(durations, 0.0))

    monkeypatch.setattr(measure, "evaluate_case", score)
    case = next(case for case in read_datalist(phantoms, tiny_config.task).cases if case.label)
    extent = Extent(case.name, (24, 24, 20), (1.0, 1.0, 1.0))
    with Meter(case, extent, tiny_config, CPU) as meter:
        assert meter(tiny_config, u_shape(tiny_config.search.space), searching=False).score * extent.voxels < 0.25


def test_measuring_draws_no_random_number_of_the_run(phantoms, tiny_config):
    case = next(case for case in read_datalist(phantoms, tiny_config.task).cases if case.label)
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    with Meter(case, Extent(case.name, (24, 24, 20), (1.0, 1.0, 1.0)), tiny_config, CPU, seconds=0.01) as meter:
        meter(tiny_config)
    assert torch.equal(torch.rand(3), expected)


def test_a_network_that_needs_larger_patches_than_the_space_is_measured_at_those(phantoms, tiny_config):
    config = tiny_config.with_overrides(["sampling.patch=[16, 16, 16]", "training.batch_size=1"])
    case = next(case for case in read_datalist(phantoms, config.task).cases if case.label)
    assert not UNetDesign(4).fits([2 * step for step in config.search.space.patch_step])
    with Meter(case, Extent(case.name, (24, 24, 20), (1.0, 1.0, 1.0)), config, CPU, seconds=0.05) as meter:
        assert meter(config, UNetDesign(4), searching=False).training_step > 0


def test_a_budget_in_seconds_is_not_measured_for_each_step(phantoms, tiny_config, monkeypatch):
    """Its networks are those of the run's search; the steps that are timed take as long without."""
    monkeypatch.setattr("dints.search.loop.WindowTimer", None)  # whoever calls it fails
    config = tiny_config.with_overrides(["search.seconds=0.5"])
    case = next(case for case in read_datalist(phantoms, config.task).cases if case.label)
    with Meter(case, Extent(case.name, (24, 24, 20), (1.0, 1.0, 1.0)), config, CPU, seconds=0.01) as meter:
        assert meter(config).weights_step > 0


def test_a_case_that_cannot_be_measured_leaves_nothing(phantoms, tiny_config, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    case = next(case for case in read_datalist(phantoms, tiny_config.task).cases if case.label)
    monkeypatch.setattr(measure, "check_case", lambda *_: 1 / 0)
    meter = Meter(case, Extent(case.name, (24, 24, 20), (1.0, 1.0, 1.0)), tiny_config, CPU)
    with pytest.raises(ZeroDivisionError), meter:
        pass
    assert not list(tmp_path.iterdir())


def test_what_a_killed_measuring_left_goes_with_the_next(phantoms, tiny_config, monkeypatch, tmp_path):
    """A panel ends one at each change of a setting; the preprocessed scan of a patient may not stay behind."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with subprocess.Popen(["true"]) as gone:
        pass
    left = tmp_path / f"dints-plan-{platform.node().partition('.')[0]}-{gone.pid}-abc"
    left.mkdir()
    (left / "image.npy").write_bytes(b"voxels")
    case = next(case for case in read_datalist(phantoms, tiny_config.task).cases if case.label)
    with Meter(case, Extent(case.name, (24, 24, 20), (1.0, 1.0, 1.0)), tiny_config, CPU, seconds=0.01):
        assert not left.exists()
        assert len(list(tmp_path.iterdir())) == 1
    assert not list(tmp_path.iterdir())

"""Stopping a search or a training: the step under way is finished and saved, and it goes on to the same end."""

from __future__ import annotations

import importlib
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from dints import Architecture, Config, SearchSpace, build_network
from dints.data.cache import Cache
from dints.events import Reporter
from dints.run_layout import read_log
from dints.search.loop import Search
from dints.training import stopping, validation
from dints.training.checkpoint import load_checkpoint
from dints.training.device_tasks import Task, run_on_devices
from dints.training.retrain import FoldTrainer
from dints.training.stopping import stoppable

CPU = torch.device("cpu")
SELDOM = ("search.checkpoint_every=1000", "training.checkpoint_every=1000")  # only what stopping saves


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


class InterruptAt(Reporter):
    """Interrupts this process while a step of a stage is reported."""

    def __init__(self, step: int) -> None:
        self.step = step

    def progress(self, stage: str, step: int, total: int, /, **metrics: float) -> None:
        if step == self.step and total > 1:
            interrupt()


@pytest.fixture
def training(cached_phantoms: Cache, tiny_config: Config) -> Callable[..., FoldTrainer]:
    """Makes the trainer of a folder that saves at its end only."""
    names, config = sorted(cached_phantoms.cases), tiny_config.with_overrides(SELDOM)
    architecture, classes = Architecture.random(SearchSpace(2, 2), 0), len(config.task.labels)

    def make(folder: Path, reporter: Reporter | None = None) -> FoldTrainer:
        def build() -> torch.nn.Module:
            return build_network(architecture, 1, classes, 2)

        return FoldTrainer(
            config, build, cached_phantoms, (names[:3], names[3:]), 0, folder, CPU, reporter or Reporter()
        )

    return make


@pytest.fixture
def searching(cached_phantoms: Cache, tiny_config: Config) -> Callable[..., Search]:
    """Makes the search of a folder that saves at its end only."""
    config = tiny_config.with_overrides(SELDOM)

    def make(folder: Path, reporter: Reporter | None = None) -> Search:
        return Search(config, cached_phantoms, sorted(cached_phantoms.cases), folder, CPU, reporter or Reporter())

    return make


def same(one: Path, other: Path) -> bool:
    states = [load_checkpoint(path, CPU) for path in (one, other)]
    networks = [state.get("network", state.get("supernet")) for state in states]
    return all(torch.equal(value, networks[1][name]) for name, value in networks[0].items())


def test_the_first_interruption_is_noted_and_the_next_one_raised(monkeypatch):
    monkeypatch.setattr(stopping, "ECHO_SECONDS", 0.0)
    with stoppable() as stop:
        assert not stop.requested
        stop.heed()
        interrupt()
        assert stop.requested
        with pytest.raises(KeyboardInterrupt):
            stop.heed()
        time.sleep(0.01)
        with pytest.raises(KeyboardInterrupt):
            interrupt()
    with pytest.raises(KeyboardInterrupt):
        interrupt()


def test_an_interruption_that_comes_twice_at_once_is_one():
    with stoppable() as stop:
        interrupt()
        interrupt()
        assert stop.requested


def test_interruptions_that_are_ignored_stay_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stoppable() as stop:
            interrupt()
            assert not stop.requested
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_thread_leaves_interruptions_alone():
    heard = []

    def work() -> None:
        with stoppable() as stop:
            heard.append(stop.requested)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert heard == [False]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("step", [1, 3, 7])
def test_a_search_that_is_stopped_loses_no_step(searching, tmp_path, step):
    whole = searching(tmp_path / "whole").run()
    with pytest.raises(KeyboardInterrupt):
        searching(tmp_path / "stopped", InterruptAt(step)).run()
    assert len(read_log(tmp_path / "stopped" / "log.jsonl")) in (step, step + 1)
    state = load_checkpoint(tmp_path / "stopped" / "checkpoint.pt", CPU)
    assert state["step"] == len(read_log(tmp_path / "stopped" / "log.jsonl"))
    assert searching(tmp_path / "stopped").run() == whole
    assert same(tmp_path / "stopped" / "checkpoint.pt", tmp_path / "whole" / "checkpoint.pt")
    assert read_log(tmp_path / "stopped" / "log.jsonl") == read_log(tmp_path / "whole" / "log.jsonl")


@pytest.mark.parametrize("step", [1, 2, 3, 5])
def test_a_training_that_is_stopped_loses_no_step(training, tmp_path, step):
    whole = training(tmp_path / "whole").run()
    with pytest.raises(KeyboardInterrupt):
        training(tmp_path / "stopped", InterruptAt(step)).run()
    assert load_checkpoint(tmp_path / "stopped" / "last.pt", CPU)["step"] in (step, step + 1)
    assert training(tmp_path / "stopped").run().dice == whole.dice
    for name in ("best.pt", "last.pt"):
        assert same(tmp_path / "stopped" / name, tmp_path / "whole" / name)
    assert read_log(tmp_path / "stopped" / "log.jsonl") == read_log(tmp_path / "whole" / "log.jsonl")


@pytest.mark.parametrize("validated", [1, 4])
def test_a_training_that_is_stopped_while_it_validates_validates_when_it_goes_on(
    training, tmp_path, monkeypatch, validated
):
    """At the first case of the first or the last validation; each has three."""
    whole = training(tmp_path / "whole").run()
    score, scored = validation.predict_classes, []

    def predict(*arguments, **values):
        scored.append(arguments)
        if len(scored) == validated:
            interrupt()
        return score(*arguments, **values)

    monkeypatch.setattr(validation, "predict_classes", predict)
    with pytest.raises(KeyboardInterrupt):
        training(tmp_path / "stopped").run()
    assert len(scored) == validated
    state = load_checkpoint(tmp_path / "stopped" / "last.pt", CPU)
    assert (state["step"], state["validated"]) == (3 if validated == 1 else 6, False)
    assert training(tmp_path / "stopped").run().dice == whole.dice
    for name in ("best.pt", "last.pt"):
        assert same(tmp_path / "stopped" / name, tmp_path / "whole" / name)
    assert read_log(tmp_path / "stopped" / "log.jsonl") == read_log(tmp_path / "whole" / "log.jsonl")


def test_a_training_that_is_complete_is_not_told_to_stop(training, tmp_path):
    """An interruption after the last step comes too late to lose anything."""
    with pytest.raises(KeyboardInterrupt):
        training(tmp_path, InterruptAt(6)).run()
    assert training(tmp_path).run().dice == tuple(load_checkpoint(tmp_path / "last.pt", CPU)["best"])


def test_tasks_on_several_devices_are_stopped_together(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)  # from where the other processes import the work, too
    work = importlib.import_module("long_work").work_for_long

    class Listener(Reporter):
        def __init__(self) -> None:
            self.begun, self.texts = 0, list[str]()

        def progress(self, stage: str, step: int, total: int, /, **metrics: float) -> None:
            self.begun += step == 0
            if step == 0 and self.begun == 2:
                interrupt()

        def message(self, text: str) -> None:
            self.texts.append(text)

    listener = Listener()
    with pytest.raises(KeyboardInterrupt):
        run_on_devices([Task(name, work) for name in "abc"], [CPU, CPU], listener)
    assert len(listener.texts) == 2  # the third was never begun
    assert all(text.startswith("saved") for text in listener.texts)


def test_what_is_stopped_is_stopped_though_a_task_failed(monkeypatch):
    """It hung; and a comparison would take the failure for that of a network, and go on with the next one."""
    monkeypatch.syspath_prepend(Path(__file__).parent)
    works = importlib.import_module("long_work")

    class Listener(Reporter):
        def __init__(self) -> None:
            self.begun = set[str]()

        def progress(self, stage: str, step: int, total: int, /, **metrics: float) -> None:
            if stage not in self.begun:
                self.begun.add(stage)
                if len(self.begun) == 2:
                    interrupt()

    with pytest.raises(KeyboardInterrupt):
        run_on_devices([Task("a", works.fail), Task("b", works.work_for_long)], [CPU, CPU], Listener())

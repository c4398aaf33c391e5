"""Runs on other computers: the list of devices, what is said and started, and the run that is found there again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .conftest import FakeProcess, start, write_run

FACTS = {"gpus": [{"name": "NVIDIA A100", "memory": 40 * 2**30}], "memory": 2**37}
NAMED = "lab: NVIDIA A100 (40.0 GiB)"


@pytest.fixture(autouse=True)
def lab(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, host: Any) -> Any:
    """A computer that was checked before."""
    monkeypatch.setenv("DINTS_HOSTS", str(tmp_path / "hosts.json"))
    from dints.remote.hosts import Host, keep_host
    from dints.remote.seen import keep_seen

    computer = Host("lab", "me@lab.example.org")
    keep_host(computer)
    keep_seen(computer, FACTS)
    return computer


@pytest.fixture
def listed(checked: Any) -> Any:
    """The panel after a check, which asks other computers by fake processes."""
    checked.devices._makeProcess = FakeProcess
    checked.devices.show(checked.parameters.device)
    return checked


def test_a_computer_is_listed_with_its_gpu_and_asked_when_it_is_chosen(
    listed: Any, host: Any, processes: list[FakeProcess]
) -> None:
    host.choose(listed.ui.deviceBox, NAMED)
    assert listed.parameters.device == "@lab"
    assert processes[-1].arguments == ["hosts", "check", "lab"]
    assert "sent to lab, without names and headers" in listed.ui.deviceNote.text
    assert "is being asked" in listed.ui.deviceNote.text
    processes[-1].finish()
    assert "is being asked" not in listed.ui.deviceNote.text
    assert "known when it has begun on lab" in listed.ui.timeText.text


def test_a_cluster_is_listed_with_the_gpus_of_its_nodes_and_no_memory_of_its_login_node(
    listed: Any, lab: Any, host: Any
) -> None:
    from dints.remote.hosts import Host, keep_host
    from dints.remote.seen import keep_seen

    cluster = Host("cluster", "me@login.example.org", scheduler="slurm")
    keep_host(cluster)
    partitions = [{"name": "cpu", "gpus": "(null)"}, {"name": "gpu", "gpus": "gpu:a100:4(S:0-1)"}]
    keep_seen(cluster, {"gpus": [], "memory": 2**33, "slurm": {"partitions": partitions}})
    listed.devices.show(listed.parameters.device)
    assert listed.ui.deviceBox.findText("cluster: SLURM, gpu:a100:4") >= 0
    listed.search.memory.values = {"search": 2.0**40, "retraining_full": 2.0**30, "device": "SLURM", "gpus": 0}
    assert "SLURM has that of the node of a job" in listed.search.memory.sentence(1.0)
    assert not listed.search.memory.isTooMuch(1.0)


def test_a_computer_that_is_not_reached_starts_nothing(listed: Any, host: Any, processes: list[FakeProcess]) -> None:
    host.choose(listed.ui.deviceBox, NAMED)
    processes[-1].finish(1, "host lab: cannot be reached; check the network")
    listed.open(listed.search)
    host.process_events()
    assert not listed.ui.startButton.enabled
    assert "check the network" in listed.ui.reasonLabel.text
    assert "Choose lab again to ask it again." in listed.ui.deviceNote.text
    host.choose(listed.ui.deviceBox, NAMED)
    processes[-1].finish()  # it is back
    assert listed.ui.startButton.enabled
    host.choose(listed.ui.deviceBox, "CPU")
    assert listed.ui.startButton.enabled
    assert not listed.ui.deviceNote.visible


def test_search_and_training_are_sent_there(
    listed: Any, host: Any, processes: list[FakeProcess], run_folder: Path
) -> None:
    host.choose(listed.ui.deviceBox, NAMED)
    processes[-1].finish()
    start(host, listed, listed.search)
    words = processes[-1].arguments
    assert words[0] == "search"
    assert words[words.index("--on") + 1] == "lab"
    assert "--device" not in words
    event = {"event": "result", "name": "state", "values": {"host": "lab", "state": "queued", "text": "Resources"}}
    processes[-1].onEvent(event)
    assert listed.ui.statusLabel.text == "Waiting in the queue of lab. Resources"
    processes[-1].finish()
    listed.logic.retrain(run_folder, [0, 1], ["@lab"], onFinished=lambda code, text: None)
    words = processes[-1].arguments
    assert words[:5] == ["train", "--run", str(run_folder), "--folds", "0,1"]
    assert words[5:] == ["--on", "lab"]
    processes[-1].finish()
    assert processes[-1].arguments == ["suspects", "--run", str(run_folder)]  # the other computer cross-validates


def test_a_run_that_is_elsewhere_is_found_there_again(
    listed: Any, host: Any, processes: list[FakeProcess], tmp_path: Path
) -> None:
    from dints.files.storage import write_json

    folder = write_run(tmp_path / "away")
    record = {"format": 1, "host": "lab", "identity": "0" * 16, "data": str(tmp_path), "names": {}}
    write_json(folder / "remote.json", record)
    listed.parameters.runFolder = str(folder)
    host.process_events()
    assert listed.parameters.device == "@lab"
    assert listed.ui.deviceBox.currentText == NAMED


def test_a_computer_that_is_no_longer_known_stays_chosen_and_is_named(listed: Any, host: Any) -> None:
    from dints.remote.hosts import remove_host

    remove_host("lab")
    listed.parameters.device = "@lab"
    listed.devices.show(listed.parameters.device)
    assert listed.ui.deviceBox.currentText == "lab (unknown)"
    assert "is not among the computers" in listed.ui.deviceNote.text


@pytest.mark.parametrize(("stored", "shown"), [("AUTOMATIC", "Automatic"), ("AUTO", "Automatic"), ("GPU", "GPU")])
def test_scenes_of_before_keep_their_device(listed: Any, stored: str, shown: str) -> None:
    listed.devices.show(stored)
    assert listed.ui.deviceBox.currentText == shown


def test_what_another_computer_cannot_do_says_so(listed: Any, host: Any, processes: list[FakeProcess]) -> None:
    host.choose(listed.ui.deviceBox, NAMED)
    processes[-1].finish()
    count = len(processes)
    listed.export.onCompare()
    assert len(processes) == count
    assert "on this computer only" in listed.export.error

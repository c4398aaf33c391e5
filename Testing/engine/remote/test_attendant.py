"""How jobs of a guest run end, and what is told of it; the engine is a shell script here, which takes no time."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dints.config import Config
from dints.errors import EXIT_STOPPED
from dints.files.lock import lock_owner, locked
from dints.remote.runs.attendant import Attendant
from dints.remote.runs.guest import DONE, FAILED, STOPPED, GuestRun, GuestState, Stage
from dints.remote.runs.torchrun import torchrun

IDENTITY = "0123456789abcdef"


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Gives the engine of the jobs another script."""
    path, handler = tmp_path / "engine", signal.getsignal(signal.SIGTERM)
    monkeypatch.setenv("DINTS_GUESTS", str(tmp_path / "guests"))
    monkeypatch.setattr(sys, "executable", str(path))

    def become(script: str) -> None:
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    yield become
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def guest(engine: Callable[[str], None]) -> GuestRun:
    guest = GuestRun(IDENTITY)
    guest.keep([Stage("search", ("search",)), Stage("evaluate", ("evaluate",))], "none", "", [])
    return guest


def ended(guest: GuestRun, job: str = "search") -> GuestState:
    told = Attendant(guest).attend(job), guest.told(job)
    assert told[1] is not None
    assert bool(told[0]) == (told[1].state != DONE)
    return told[1]


def test_a_later_try_does_not_tell_errors_of_an_earlier_one(engine: Callable[[str], None], guest: GuestRun) -> None:
    engine("""echo '{"event": "error", "text": "no GPU"}'; echo and more >&2; exit 2""")
    assert ended(guest) == GuestState(FAILED, "no GPU", 2)
    engine("kill -9 $$")
    assert ended(guest).text == "was ended by signal 9, as where memory runs out; run it again to go on"
    engine("echo out of files >&2; exit 1")
    assert ended(guest) == GuestState(FAILED, "out of files", 1)
    engine("exit 0")
    assert ended(guest).state == DONE


def test_a_job_of_a_fold_that_the_run_has_not_is_done(engine: Callable[[str], None], guest: GuestRun) -> None:
    guest.keep([Stage("train", ("train",), tuple(("--folds", str(fold)) for fold in range(5)))], "none", "", [])
    engine("exit 1")
    Config().with_overrides(["training.folds=3"]).save(guest.run_folder / "config.yaml")
    assert [ended(guest, f"train-{fold}").state for fold in range(1, 5)] == [FAILED, FAILED, DONE, DONE]


def test_a_stop_between_two_jobs_starts_no_other(
    engine: Callable[[str], None], guest: GuestRun, tmp_path: Path
) -> None:
    engine(f"touch {tmp_path}/$3")
    attendant = Attendant(guest)
    assert attendant.attend("search") == 0
    os.kill(os.getpid(), signal.SIGTERM)
    assert attendant.attend("evaluate") == EXIT_STOPPED
    assert guest.told("evaluate").state == STOPPED
    assert (tmp_path / "search").exists()
    assert not (tmp_path / "evaluate").exists()


def test_a_stop_reaches_the_command_under_way(engine: Callable[[str], None], guest: GuestRun) -> None:
    engine(f"kill -TERM {os.getpid()}; read word; [ $word = stop ] && exit {EXIT_STOPPED}")
    assert ended(guest).state == STOPPED


def test_a_stop_by_the_cluster_is_told_as_such_unless_another_reason_is_known(
    engine: Callable[[str], None], guest: GuestRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    engine(f"kill -TERM {os.getpid()}; read word; exit {EXIT_STOPPED}")
    assert "longer --time" in ended(guest).text
    failed = GuestState(FAILED, "the node failed", 1)
    monkeypatch.setattr(guest, "told", lambda job: failed)
    attendant, kept = Attendant(guest), []
    monkeypatch.setattr(guest, "tell", lambda job, state: kept.append(state))
    attendant.attend("search")
    assert kept[-1] == failed


def test_processes_of_several_nodes_meet_at_a_port_that_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {"SLURM_JOB_NUM_NODES": "2", "SLURM_JOB_ID": "1500", "SLURMD_NODENAME": "node7"}
    for name, value in (values | {"SLURM_GPUS_ON_NODE": "4"}).items():
        monkeypatch.setenv(name, value)
    words = torchrun("train")
    node, _, port = words[words.index("--rdzv-endpoint") + 1].partition(":")
    assert node == "node7"
    with socket.socket() as one:
        one.bind(("", int(port)))
        assert torchrun("train")[words.index("--rdzv-endpoint") + 1] != f"node7:{port}"
    assert torchrun("evaluate") == []


def test_who_holds_a_lock_is_seen_without_touching_it(tmp_path: Path) -> None:
    assert lock_owner(tmp_path) is None
    hold = "import sys, time, pathlib; from dints.files.lock import locked\nwith locked(pathlib.Path(sys.argv[1])):"
    command = [sys.executable, "-c", f"{hold}\n print(flush=True)\n time.sleep(60)", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline()
        assert lock_owner(tmp_path) == process.pid
        process.kill()
    assert lock_owner(tmp_path) is None
    with locked(tmp_path):
        assert lock_owner(tmp_path) == os.getpid()

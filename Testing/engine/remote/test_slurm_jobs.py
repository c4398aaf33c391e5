"""Jobs of a guest run on a real SLURM of one node: their order, ends, queue and cancelling."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from dints import RunError
from dints.errors import StorageError
from dints.remote.runs.depot import _state
from dints.remote.runs.guest import DONE, FAILED, QUEUED, RUNNING, STOPPED, GuestRun, GuestState, Stage
from dints.remote.runs.slurm import QueueRow, SlurmLauncher, UnansweredError, _end

IDENTITY = "0123456789abcdef"
SECONDS = 60.0
FINE, WRONG = ("settings",), ("search", "--run", "none")


@pytest.fixture
def guest(slurm: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> GuestRun:
    """A run that came here; jobs that a failed test left are cancelled."""
    for name, value in (slurm | {"DINTS_GUESTS": str(tmp_path)}).items():
        monkeypatch.setenv(name, value)
    return GuestRun(IDENTITY)


@pytest.fixture
def launcher(guest: GuestRun):
    yield SlurmLauncher(patience=0.0)
    subprocess.run(["scancel", "--me"], check=True)


def wait(guest: GuestRun, launcher: SlurmLauncher, *until: str) -> str:
    """The first state of the whole run that is awaited."""
    end = time.monotonic() + SECONDS
    while (state := guest.state(launcher.alive(guest)).state) not in until and time.monotonic() < end:
        time.sleep(0.1)
    assert state in until, guest.errors_file.read_text()
    return state


def in_queue() -> list[str]:
    """What SLURM still has to do."""
    return subprocess.run(["squeue", "--me", "--noheader"], capture_output=True, text=True, check=True).stdout.split()


def test_stages_follow_each_other_and_folds_are_an_array(guest, launcher):
    guest.keep([Stage("first", FINE), Stage("folds", FINE, ((), ())), Stage("last", FINE)], "slurm", "", [])
    launcher.start(guest)
    assert not guest.told("last")
    assert wait(guest, launcher, DONE, FAILED) == DONE
    times = [guest.events_file(job).stat().st_mtime for job in ("first", "folds-0", "folds-1", "last")]
    assert times[0] < min(times[1:3])
    assert max(times) == times[3]


def test_a_failed_stage_fails_the_run_with_its_text_and_what_waits_is_cancelled(guest, launcher):
    guest.keep([Stage("search", WRONG), Stage("train", FINE, ((), ())), Stage("report", FINE)], "slurm", "", [])
    launcher.start(guest)
    assert wait(guest, launcher, DONE, FAILED, STOPPED) == FAILED
    assert "is no run yet" in guest.state(None).text
    assert [guest.told(job).state for job in guest.jobs] == [FAILED, STOPPED, STOPPED, STOPPED]
    assert "did not begin" in guest.told("report").text
    assert in_queue() == []


def test_a_queued_run_says_what_it_waits_for_and_is_stopped_in_the_queue(guest, launcher):
    subprocess.run(
        ["sbatch", "--exclusive", "--output=/dev/null", "--wrap", "sleep 100"], check=True, capture_output=True
    )
    guest.keep([Stage("search", FINE)], "slurm", "", [])
    launcher.start(guest)
    state = guest.state(launcher.alive(guest))
    end = time.monotonic() + SECONDS
    while "None" in state.text and time.monotonic() < end:  # the scheduler has not looked at it yet
        time.sleep(0.1)
        state = guest.state(launcher.alive(guest))
    assert (state.state, state.text.partition(",")[0]) in [
        (QUEUED, "SLURM's queue: Resources"),
        (QUEUED, "SLURM's queue: Priority"),
    ]
    launcher.stop(guest)
    assert launcher.alive(guest) is None
    assert guest.told("search").state == STOPPED


@pytest.mark.parametrize("options", ["", "--gpus 2"], ids=["alone", "torchrun"])
def test_stopping_keeps_what_was_done_and_leaves_nothing_that_runs(
    options, guest, launcher, phantoms, tiny_config_file
):
    search = ("search", "--run", str(guest.run_folder), "--data", str(phantoms), "--config", str(tiny_config_file))
    many = ("--set", "search.iterations=100000", "--device", "cpu")
    guest.keep([Stage("search", (*search, *many)), Stage("train", FINE)], "slurm", options, [])
    launcher.start(guest)
    checkpoint, end = guest.run_folder / "search" / "checkpoint.pt", time.monotonic() + SECONDS
    while not checkpoint.is_file() and time.monotonic() < end:
        time.sleep(0.1)
    assert guest.state(launcher.alive(guest)).state == RUNNING
    assert commands().count("search.iterations=100000") == (3 if options else 1)  # torchrun is one, too
    launcher.stop(guest)
    assert launcher.alive(guest) is None
    assert guest.state(None).state == STOPPED
    assert checkpoint.is_file()
    assert guest.identity not in commands()


def commands() -> str:
    """Of all processes."""
    return subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def test_a_job_that_was_killed_is_told_although_it_could_not(guest, launcher):
    guest.keep([Stage("search", ("worker",))], "slurm", "", [])  # waits for jobs
    launcher.start(guest)
    assert wait(guest, launcher, RUNNING) == RUNNING
    subprocess.run(["scancel", "--signal=KILL", "--full", "--me"], check=True)
    assert wait(guest, launcher, FAILED, DONE) == FAILED
    assert "cancelled on the cluster" in guest.told("search").text


def test_a_job_that_is_requeued_is_queued_again_and_stopped_there(guest, launcher):
    guest.keep([Stage("search", ("worker",))], "slurm", "", [])  # waits for jobs
    launcher.start(guest)
    assert wait(guest, launcher, RUNNING) == RUNNING
    (number,) = [row for row in in_queue() if row.isdecimal()][:1]
    subprocess.run(["scontrol", "requeue", number], check=True)
    assert wait(guest, launcher, QUEUED, FAILED, STOPPED) == QUEUED
    launcher.stop(guest)
    assert guest.state(launcher.alive(guest)).state == STOPPED
    assert in_queue() == []


def test_jobs_are_ended_though_a_full_disk_takes_no_word_of_it(guest, launcher, monkeypatch):
    def full(*given: object) -> None:
        raise StorageError.of(guest.folder, "No space left on device")

    guest.keep([Stage("search", ("worker",))], "slurm", "", [])
    launcher.start(guest)
    assert wait(guest, launcher, RUNNING) == RUNNING
    with monkeypatch.context() as patch:
        patch.setattr(GuestRun, "tell", full)
        launcher.stop(guest)
    assert in_queue() == []


def test_a_scheduler_that_does_not_answer_for_a_moment_ends_nothing(guest, launcher, eventually, monkeypatch, tmp_path):
    guest.keep([Stage("search", ("worker",))], "slurm", "", [])
    launcher.start(guest)
    assert eventually(lambda: guest.told("search") == GuestState(RUNNING))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "squeue").write_text("#!/bin/sh\necho Unable to contact slurm controller >&2\nexit 1\n")
    (tmp_path / "bin" / "squeue").chmod(0o755)
    monkeypatch.setattr("dints.remote.runs.launcher.LAUNCHERS", {"slurm": launcher})
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
        with pytest.raises(UnansweredError, match=r"SLURM does not answer \(Unable to contact"):
            launcher.alive(guest)
        assert _state(guest) == GuestState(RUNNING)
    assert _state(guest) == GuestState(RUNNING)
    launcher.stop(guest)


def test_options_that_the_cluster_refuses_leave_nothing_in_the_queue(guest, launcher):
    guest.keep([Stage("search", FINE)], "slurm", "--partition missing", [])
    with pytest.raises(RunError, match=r"sbatch: .*nvalid partition.*correct --sbatch"):
        launcher.start(guest)
    assert in_queue() == []
    assert launcher.alive(guest) is None


def test_the_first_reason_is_told_though_nothing_can_be_cancelled(guest, monkeypatch):
    def fail(program: str, *words: str, given: str = "") -> str:
        raise RunError(f"{program} failed")

    monkeypatch.setattr("dints.remote.runs.slurm._call", fail)
    guest.keep([Stage("search", FINE)], "slurm", "", [])
    with pytest.raises(RunError, match="sbatch failed"):
        SlurmLauncher().start(guest)


def test_a_computer_without_slurm_is_told(guest, monkeypatch):
    monkeypatch.setenv("PATH", "")
    guest.keep([Stage("search", FINE)], "slurm", "", [])
    with pytest.raises(RunError, match=r"cannot be started .*login node"):
        SlurmLauncher().start(guest)


def test_the_scheduler_is_not_asked_at_each_look(guest, launcher, monkeypatch):
    guest.keep([Stage("search", ("worker",))], "slurm", "", [])  # waits for jobs
    patient = SlurmLauncher()
    assert patient.alive(guest) is None
    patient.start(guest)
    assert patient.alive(guest) is not None  # there are others now
    monkeypatch.setattr("dints.remote.runs.slurm._queue", lambda guest: pytest.fail("asked again"))
    assert patient.alive(guest) is not None


@pytest.mark.parametrize(
    ("state", "reason", "meant", "said"),
    [
        ("TIMEOUT", "TimeLimit", FAILED, "longer --time"),
        ("OUT_OF_MEMORY", "None", FAILED, "more --mem"),
        ("NODE_FAIL", "None", FAILED, "NODE_FAIL"),
        ("", "", FAILED, "no account"),
        ("COMPLETED", "None", DONE, ""),
        ("CANCELLED", "None", FAILED, "was cancelled on the cluster"),
        ("CANCELLED", "DependencyNeverSatisfied", STOPPED, "did not begin"),
    ],
)
def test_what_slurm_says_of_a_job_that_did_not_tell_its_end(state, reason, meant, said):
    end = _end(QueueRow("1", "N/A", state, reason, "N/A"))
    assert end.state == meant
    assert said in end.text

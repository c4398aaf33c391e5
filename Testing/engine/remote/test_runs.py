"""Searches and trainings on another computer, behind a real OpenSSH server: begun, followed, brought home, stopped."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from dints.cli import main
from dints.remote.hosts import Host
from dints.run import Run
from dints.run_layout import RunLayout

from .guests import guests, processes

pytestmark = pytest.mark.usefixtures("nothing_is_left")
PATIENT = "Doe^Jane"
LONG = ["--set", "search.iterations=100000"]
BEGIN_SECONDS = 120.0  # in which a search there has made its first steps, on a computer that is busy


def test_search_and_training_come_home(
    there: Host, server, arguments: list[str], patients: Path, capfd: pytest.CaptureFixture, monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSH_RECORD", str(tmp_path / "sent"))
    run = tmp_path / "run"
    assert main(["search", *arguments, "--train"]) == 0, capfd.readouterr().err
    home = Run(run)
    assert home.data_folder == patients.resolve()
    assert home.trained_folds == [0, 1]
    assert {name for fold in home.splits for name in fold[1]} == {f"{PATIENT} {number}" for number in range(4)}
    assert home.prediction_file(f"{PATIENT} 0").is_file()
    assert home.model_file.is_file()
    assert sorted(home.cases) == sorted(home.record.files)  # the record is that of the files here
    texts = [path.read_text() for path in run.rglob("*") if path.suffix in (".json", ".csv", ".jsonl", ".yaml")]
    texts.remove(home.remote_file.read_text())  # the one place that says what stands for what
    assert f"{PATIENT} 3" in home.scores_file.read_text()
    assert not [text for text in texts if "case-0" in text or str(server.home) in text]
    assert main(["report", "--run", str(run)]) == 0
    assert main(["suspects", "--run", str(run)]) == 0, capfd.readouterr().err  # what came home is enough for it
    sent = (tmp_path / "sent").read_bytes()
    assert b"Doe" not in sent
    assert b"Doe" not in b"".join(path.read_bytes() for path in guests(server)[-1].rglob("*") if path.is_file())
    assert main(["stop", str(run), "--remove"]) == 0
    assert not guests(server)
    assert not list((server.home / ".dints" / "guests" / "files").iterdir())
    assert Run(run).trained_folds == [0, 1]


def test_a_run_goes_on_without_a_connection_and_is_stopped(
    there: Host, server, arguments: list[str], capfd: pytest.CaptureFixture, eventually: Callable, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    assert main(["search", *arguments, *LONG, "--detach"]) == 0, capfd.readouterr().err
    (guest,) = guests(server)
    assert eventually(lambda: bool(list(guest.glob("run-*/search/log.jsonl"))), BEGIN_SECONDS)
    assert processes(guest)
    assert main(["search", *arguments, *LONG, "--detach"]) == 0  # the same again is no second one
    assert "with the options of before" not in capfd.readouterr().err
    assert main(["search", *arguments, "--detach"]) == 0  # nor is one with other options, which is told
    assert "with the options of before" in capfd.readouterr().err
    assert main(["train", "--run", str(run), "--on", "there"]) == 2
    assert "is under way already" in capfd.readouterr().err
    assert main(["stop", str(run)]) == 0
    assert not processes(guest)
    assert main(["follow", str(run)]) == 1
    assert "was stopped; run it again to go on" in capfd.readouterr().err
    assert RunLayout(run).search_state(100000).step > 0
    main(["stop", str(run), "--remove"])


def test_what_fails_there_fails_here(
    there: Host, server, arguments: list[str], patients: Path, capfd: pytest.CaptureFixture, tmp_path: Path
) -> None:
    assert main(["search", *arguments, "--set", "training.folds=7"]) == 2
    message = capfd.readouterr().err
    assert "host there" in message
    assert str(patients) in message
    main(["stop", str(tmp_path / "run"), "--remove"])


def test_two_runs_side_by_side_share_what_was_sent_and_nothing_else(
    there: Host, server, arguments: list[str], monkeypatch, eventually: Callable, tmp_path: Path
) -> None:
    assert main(["search", *arguments, *LONG, "--detach"]) == 0
    (first,) = guests(server)
    monkeypatch.setenv("SSH_RECORD", str(tmp_path / "sent"))
    arguments[1] = str(tmp_path / "second")
    assert main(["search", *arguments, *LONG, "--detach"]) == 0
    assert (tmp_path / "sent").stat().st_size < 10_000
    (second,) = set(guests(server)) - {first}
    assert processes(first)
    assert main(["stop", str(tmp_path / "run"), "--remove"]) == 0
    assert not processes(first)
    log = RunLayout(second / f"run-{second.name}").search.log
    assert eventually(log.is_file, BEGIN_SECONDS)
    step = log.stat().st_size
    assert eventually(lambda: log.stat().st_size > step)  # it goes on with the data of both
    assert main(["stop", str(tmp_path / "second"), "--remove"]) == 0
    assert not guests(server)


def test_networks_are_those_of_here_bit_for_bit_and_start_others_there(
    there: Host, server, arguments: list[str], tmp_path: Path
) -> None:
    train, data, place = ["--architecture", "u-shape", "--folds", "0"], arguments[2:4], arguments[-4:]
    assert main(["train", *arguments, *train]) == 0
    assert main(["train", "--run", str(tmp_path / "here"), *arguments[2:-2], *train]) == 0
    found, expected = (RunLayout(tmp_path / name).fold(0) for name in ("run", "here"))
    for network in ("last", "best"):
        values = (torch.load(getattr(files, network), weights_only=True) for files in (found, expected))
        torch.testing.assert_close(*values, rtol=0, atol=0)
    model = ["--from", str(RunLayout(tmp_path / "run").model_file), "--folds", "0"]
    assert main(["train", "--run", str(tmp_path / "tuned"), *data, *place, *model]) == 0
    assert RunLayout(tmp_path / "tuned").model_file.is_file()
    for name in ("run", "tuned"):
        assert main(["stop", str(tmp_path / name), "--remove"]) == 0
    assert not guests(server)


def test_a_run_that_was_killed_says_so_and_goes_on(
    there: Host, server, arguments: list[str], capfd: pytest.CaptureFixture, eventually: Callable, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    assert main(["search", *arguments, *LONG, "--detach"]) == 0
    (guest,) = guests(server)
    assert eventually(RunLayout(guest / f"run-{guest.name}").search.checkpoint.is_file, BEGIN_SECONDS)
    subprocess.run(["pkill", "-KILL", "--full", f"attendant {guest.name}"], check=True)
    assert eventually(lambda: not processes(guest))  # the search ends with who attends it
    assert main(["follow", str(run)]) == 1
    assert "ended without a word" in capfd.readouterr().err
    step = RunLayout(run).search_state(100000).step
    assert step > 0
    assert main(["search", *arguments, *LONG, "--detach"]) == 0
    goes_on = RunLayout(guest / f"run-{guest.name}")
    assert eventually(lambda: goes_on.search_state(100000).step > step, BEGIN_SECONDS)
    assert main(["stop", str(run), "--remove"]) == 0


def test_who_ends_following_or_loses_the_line_is_told_that_the_run_goes_on(
    there: Host, server, arguments: list[str], capfd: pytest.CaptureFixture, monkeypatch, tmp_path: Path
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    run = tmp_path / "run"
    assert main(["search", *arguments, *LONG, "--detach"]) == 0
    with monkeypatch.context() as patch:
        patch.setattr("dints.remote.runs.away.AwayRun._bring", interrupt)
        assert main(["follow", str(run)]) == 130
    assert f"goes on on there; `dints follow {run}` shows it" in capfd.readouterr().err
    with monkeypatch.context() as patch:
        patch.setattr("dints.remote.runs.away.PAUSES", (0.0,))
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "ssh").write_text("#!/bin/sh\necho Connection timed out >&2\nexit 255\n")
        (tmp_path / "bin" / "ssh").chmod(0o755)
        patch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
        assert main(["follow", str(run)]) == 1
    said = capfd.readouterr()
    assert "trying again in 0 s" in said.out + said.err
    assert f"the run goes on there, and `dints follow {run}` shows it" in said.err
    (guest,) = guests(server)
    assert processes(guest)
    monkeypatch.setattr("dints.remote.runs.away.AwayRun._bring", interrupt)
    assert main(["follow", str(run), "--events"]) == 130  # a program that asks it to stop means the run
    assert not processes(guest)
    assert main(["stop", str(run), "--remove"]) == 0


def test_a_run_of_here_is_not_sent(there: Host, arguments: list[str], capfd: pytest.CaptureFixture) -> None:
    assert main(["search", *arguments[:-2]]) == 0
    assert main(["search", *arguments]) == 2
    assert "was begun on this computer" in capfd.readouterr().err


def test_commands_of_runs_that_are_nowhere_else(tmp_path: Path, capfd: pytest.CaptureFixture) -> None:
    for command in (["follow"], ["stop"]):
        assert main([*command, str(tmp_path)]) == 2
        assert "is not on another computer" in capfd.readouterr().err

"""Runs on another computer when something is otherwise than expected: data here, the other computer, who stops what."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import SimpleITK as sitk

from dints import RunError
from dints.cli import main
from dints.data.record import changes
from dints.events import Reporter
from dints.remote.hosts import Host
from dints.remote.runs.away import AwayRun
from dints.remote.runs.depot_connection import DepotConnection
from dints.remote.runs.guest import GuestRun
from dints.remote.runs.launcher import ProcessLauncher
from dints.remote.runs.record import AwayRecord
from dints.run import Run

from .guests import guests, processes

pytestmark = pytest.mark.usefixtures("nothing_is_left")
PATIENT = "Doe^Jane"
LONG = ["--set", "search.iterations=100000"]
LEAVES_SLOWLY = """
import pathlib, signal, sys, time
from dints.files.lock import locked
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit())
try:
    with locked(pathlib.Path(sys.argv[2])):
        print(flush=True)
        time.sleep(60)
finally:
    time.sleep(0.5)
"""


def test_what_changes_here_meanwhile_does_not_change_what_the_run_learned_from(
    there: Host, server, arguments: list[str], patients: Path, capfd: pytest.CaptureFixture, tmp_path: Path
) -> None:
    data, run, moved = tmp_path / "data", tmp_path / "run", tmp_path / "moved"
    shutil.copytree(patients, data)
    arguments[3] = str(data)
    assert main(["search", *arguments, "--detach"]) == 0
    label = data / "labels" / f"{PATIENT} 0.nrrd"
    image = sitk.ReadImage(str(label))
    sitk.WriteImage(image * 0, label)
    (data / "images" / f"{PATIENT} 1.nrrd").unlink()
    run.rename(moved)
    assert main(["follow", str(moved)]) == 0, capfd.readouterr().err
    home = Run(moved)
    assert len(home.record.files) == 4
    difference = changes(home.record, home.datalist)
    assert (difference.missing, difference.changed) == ((f"{PATIENT} 1",), (f"{PATIENT} 0",))
    arguments[1] = str(moved)
    capfd.readouterr()
    assert main(["search", *arguments, "--detach"]) == 0
    assert "1 changed: " in (said := capfd.readouterr().err)
    assert "the run goes on with what was sent" in said
    arguments[3] = str(patients)
    assert main(["search", *arguments, "--detach"]) == 2
    assert f"goes on with what was sent of {data}" in capfd.readouterr().err
    assert main(["stop", str(moved), "--remove"]) == 0


def test_a_run_whose_computer_is_gone_is_made_one_of_here(
    there: Host, server, arguments: list[str], capfd: pytest.CaptureFixture, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    assert main(["search", *arguments]) == 0
    assert main(["stop", str(run)]) == 0
    assert "Was done on there already" in capfd.readouterr().out
    assert main(["hosts", "remove", "there"]) == 0
    assert main(["follow", str(run)]) == 2
    assert "host 'there': is unknown" in capfd.readouterr().err
    (guest,) = guests(server)
    assert main(["stop", str(run), "--forget"]) == 0
    assert f"on there the run may go on, and its folder {guest} stays" in capfd.readouterr().out
    assert main(["search", *arguments[:-2]]) == 0  # here
    assert main(["stop", str(run), "--forget"]) == 2


def test_what_was_sent_and_not_begun_is_removed(
    there: Host, server, arguments: list[str], capfd: pytest.CaptureFixture, monkeypatch, tmp_path: Path
) -> None:
    files, run = server.home / ".dints" / "guests" / "files", tmp_path / "run"
    shutil.rmtree(files, ignore_errors=True)  # of other tests

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("dints.remote.runs.parcel.Parcel.description", interrupt)
        assert main(["search", *arguments, "--events"]) == 130  # stopped by a program: there is nothing to stop there
    assert list(files.iterdir())
    assert main(["stop", str(run), "--remove"]) == 0
    assert not list(files.iterdir())


def test_a_program_that_stops_a_run_as_it_begins_stops_it_there(
    there: Host, server, arguments: list[str], monkeypatch, tmp_path: Path
) -> None:
    def begin(line: DepotConnection, **message: object) -> dict[str, object]:
        answer = ask(line, **message)
        if "begin" in message:
            raise KeyboardInterrupt
        return answer

    ask = DepotConnection.ask
    monkeypatch.setattr(DepotConnection, "ask", begin)
    assert main(["search", *arguments, *LONG, "--events"]) == 130
    (guest,) = guests(server)
    assert not processes(guest)
    assert main(["stop", str(tmp_path / "run"), "--remove"]) == 0


def test_a_run_that_is_removed_while_it_is_followed_stays_one_of_here(
    there: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    away = AwayRun(tmp_path, AwayRecord("there", "0123456789abcdef", "", {}, {}, folder="/there"))
    away.record.write(away.layout.remote_file)
    seen = {"events": [], "at": {"search": 5}, "state": "done", "more": False, "text": "", "files": {}, "done": []}

    def look(work: object, reporter: Reporter) -> dict[str, object]:
        away.layout.remote_file.unlink()  # by `dints stop RUN --remove`
        return seen

    monkeypatch.setattr(away, "_persistently", look)
    away.follow(Reporter())
    assert not away.layout.remote_file.exists()


def test_a_run_has_ended_when_its_process_has_and_not_when_that_lets_go_of_its_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DINTS_GUESTS", str(tmp_path))
    guest = GuestRun("0123456789abcdef")
    command = [sys.executable, "-c", LEAVES_SLOWLY, guest.identity, guest.folder]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as attendant:
        assert attendant.stdout.readline()
        ProcessLauncher().stop(guest)
        assert not processes(guest.folder)


def test_a_process_of_another_computer_with_that_number_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DINTS_GUESTS", str(tmp_path))
    guest = GuestRun("0123456789abcdef")
    with subprocess.Popen(["sleep", "100"]) as other:
        monkeypatch.setattr("dints.remote.runs.launcher.lock_owner", lambda folder: other.pid)
        with pytest.raises(RunError, match="another computer, which shares this folder, works on it"):
            ProcessLauncher().stop(guest)
        assert other.poll() is None
        other.kill()

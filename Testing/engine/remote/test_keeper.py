"""The far side of a warm worker, as a process: nothing of it outlives the stream, whatever ends it."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dints.remote.frames import messages

SECONDS = 20.0


def folders(tmp_path: Path) -> list[Path]:
    return list(tmp_path.glob("dints-worker-*"))


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, eventually) -> Iterator[Callable[[], subprocess.Popen]]:
    """Function that starts a keeper, waits for its worker, and sends it the file 1.mha."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    processes = []

    def keeper() -> subprocess.Popen:
        command = [sys.executable, "-m", "dints", "worker", "--stream"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        processes.append(process)
        process.worker = next(messages(process.stdout))["pid"]
        process.stdin.write(b'{"put": "1.mha", "bytes": 4}\nscan')
        process.stdin.flush()
        assert eventually(lambda: [path.read_bytes() for path in tmp_path.glob("*/1.mha")] == [b"scan"])
        return process

    yield keeper
    for process in processes:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def is_gone(process: int) -> bool:
    state = Path(f"/proc/{process}/stat")
    return not state.exists() or state.read_text().split()[2] == "Z"


def end_of_stream(process: subprocess.Popen) -> None:
    process.stdin.close()


def half_a_file(process: subprocess.Popen) -> None:
    process.stdin.write(b'{"put": "2.mha", "bytes": 1000000}\nhalf')
    process.stdin.close()


def termination(process: subprocess.Popen) -> None:
    process.send_signal(signal.SIGTERM)


def death_of_the_worker(process: subprocess.Popen) -> None:
    os.kill(process.worker, signal.SIGKILL)


@pytest.mark.parametrize("end", [end_of_stream, half_a_file, termination, death_of_the_worker])
def test_whatever_ends_it_takes_the_worker_and_all_files_along(end, start, eventually, tmp_path):
    process = start()
    (folder,) = folders(tmp_path)
    assert folder.stat().st_mode & 0o777 == 0o700
    end(process)
    process.wait(SECONDS)
    assert not folder.exists()
    assert eventually(lambda: is_gone(process.worker))


def test_a_session_that_ends_by_two_signals_leaves_no_file(start, eventually, tmp_path):
    process, many = start(), 20_000  # files take long enough to remove
    (folder,) = folders(tmp_path)
    for number in range(many):
        (folder / f"{number}.mha").touch()
    process.send_signal(signal.SIGTERM)
    assert eventually(lambda: not folder.exists() or len(os.listdir(folder)) < many)
    process.send_signal(signal.SIGHUP)
    process.wait(SECONDS)
    assert not folder.exists()


def test_a_greeting_without_an_end_of_line_hides_no_message(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    command = f"printf 'Welcome to the cluster: '; exec {sys.executable} -m dints worker --stream"
    with subprocess.Popen(["sh", "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        first = next(messages(process.stdout))
        process.stdin.close()
    assert first["event"] == "ready"


def test_a_silent_line_is_taken_for_broken(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("DINTS_SILENCE_SECONDS", "1")
    command = [sys.executable, "-m", "dints", "worker", "--stream"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        process.wait(SECONDS)
    assert not folders(tmp_path)


def test_what_a_killed_one_left_is_removed_by_the_next(start, eventually, tmp_path):
    first = start()
    first.kill()
    first.wait()
    assert eventually(lambda: is_gone(first.worker))
    assert len(folders(tmp_path)) == 1
    command = [sys.executable, "-m", "dints", "worker", "--stream"]
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    assert not folders(tmp_path)


def answers(process: subprocess.Popen) -> list[dict]:
    """What the keeper says until it has ended."""
    process.stdin.close()
    said = list(messages(process.stdout))
    process.wait(SECONDS)
    return said


@pytest.mark.parametrize("name", ["../1.mha", "scan.mha"])
def test_files_go_under_numbers_and_nowhere_else(name, start, tmp_path):
    process = start()
    process.stdin.write(json.dumps({"put": name, "bytes": 1}).encode() + b"\nx")
    assert {"event": "refused", "text": f"file '{name}': is not a number with a suffix; send files under numbers"} in (
        answers(process)
    )
    assert not list(tmp_path.rglob("*.mha"))


def test_a_disk_that_is_full_there_is_told(start, tmp_path):
    process = start()
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (2, 2))
    process.stdin.write(b'{"put": "2.mha", "bytes": 4}\nscan')
    (text,) = (event["text"] for event in answers(process) if event["event"] == "refused")
    assert "2.mha: cannot be written (File too large); free disk space" in text
    assert not folders(tmp_path)

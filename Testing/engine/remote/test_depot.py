"""What a depot keeps, and what it refuses, without a connection: files that arrive in pieces, runs, their events."""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dints.files.storage import FORGOTTEN_SECONDS
from dints.remote.frames import messages
from dints.remote.runs.depot import Depot
from dints.remote.runs.guest import DONE, RUNNING, GuestRun, GuestState, Stage

CONTENT = b"voxels" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
IDENTITY = "0123456789abcdef"
HOLD = f"""
import sys, time, pathlib, os
os.environ["DINTS_GUESTS"] = sys.argv[1]
from dints.remote.runs.depot import Depot, GuestRun
with Depot(None, None)._alone_with(GuestRun("{IDENTITY}")):
    print(flush=True)
    time.sleep(60)
"""
STAGES = [Stage("search", ("search", "--run", f"run-{IDENTITY}"))]


@pytest.fixture(autouse=True)
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """Where the depot keeps what was sent."""
    monkeypatch.setenv("DINTS_GUESTS", str(tmp_path / "guests"))
    mask = os.umask(0o022)
    yield tmp_path / "guests" / "files"
    os.umask(mask)
    signal.alarm(0)


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> GuestRun:
    """A run whose stages nothing works on."""
    monkeypatch.setattr("dints.remote.runs.launcher.ProcessLauncher.start", lambda self, guest: None)
    (answer,) = said({"missing": []}, begin())[1:]
    assert answer["event"] == "begun"
    return GuestRun(IDENTITY)


def begin(**files: str) -> dict[str, Any]:
    told = [stage.to_mapping() for stage in STAGES]
    return {"begin": IDENTITY, "stages": told, "files": files, "scheduler": "none", "options": ""}


def remove(identity: str = IDENTITY, *sent: str) -> dict[str, Any]:
    return {"remove": identity, "files": sent}


def put(content: bytes, at: int = 0, whole: int = len(CONTENT)) -> bytes:
    return json.dumps({"put": DIGEST, "at": at, "bytes": whole - at}).encode() + b"\n" + content


def full(*arguments: object, **named: object) -> None:
    raise OSError(28, "No space left on device")


def said(*given: dict[str, Any] | bytes) -> list[dict[str, Any]]:
    """The answers to messages, without the first that it is ready."""
    sink = io.BytesIO()
    source = b"".join(one if isinstance(one, bytes) else json.dumps(one).encode() + b"\n" for one in given)
    Depot(io.BytesIO(source), sink).serve()
    return list(messages(io.BytesIO(sink.getvalue())))[1:]


def test_a_file_goes_on_where_the_line_broke(files: Path) -> None:
    assert said({"missing": [DIGEST]}, put(CONTENT[:2500])) == [{"event": "missing", "files": {DIGEST: 0}}]
    assert said({"missing": [DIGEST]})[0]["files"] == {DIGEST: 2500}
    assert said(put(CONTENT[2500:], 2500), {"missing": [DIGEST]})[0]["files"] == {}
    assert (files / DIGEST).read_bytes() == CONTENT
    assert not list(files.glob("*.part"))
    assert {path.stat().st_mode & 0o077 for path in files.parent.rglob("*")} == {0}


def test_a_greeting_without_an_end_of_line_hides_no_message(files: Path) -> None:
    command = f"printf 'Welcome to the cluster: '; exec {sys.executable} -m dints worker --depot"
    asked = json.dumps({"missing": [DIGEST]}).encode()
    done = subprocess.run(["sh", "-c", command], input=asked, stdout=subprocess.PIPE, check=True)
    assert [message["event"] for message in messages(io.BytesIO(done.stdout))] == ["ready", "missing"]


def test_a_damaged_file_is_sent_anew(files: Path) -> None:
    (refused,) = said(put(CONTENT[::-1]))
    assert "arrived damaged" in refused["text"]
    assert not refused["again"]
    assert said({"missing": [DIGEST]})[0]["files"] == {DIGEST: 0}


def test_two_connections_do_not_write_one_file(files: Path) -> None:
    said(put(CONTENT[:2500]))
    part = files / f"{DIGEST}.part"
    with part.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert said(put(CONTENT[2500:], 2500))[0]["again"]
    assert part.stat().st_size == 2500
    assert said(put(CONTENT))[0]["again"]  # it had grown since it was asked for
    assert part.stat().st_size == 2500


def test_what_was_never_begun_is_forgotten(files: Path) -> None:
    said(put(CONTENT))
    long_ago = time.time() - FORGOTTEN_SECONDS - 60
    os.utime(files / DIGEST, (long_ago, long_ago))
    assert said({"missing": [DIGEST]})[0]["files"] == {DIGEST: 0}
    assert not list(files.iterdir())


@pytest.mark.parametrize("links", [True, False])
def test_what_runs_share_stays_with_the_last(files: Path, begun: GuestRun, links: bool, monkeypatch) -> None:
    def refuse(*paths: Path) -> None:
        raise PermissionError(1, "no links")

    if not links:
        monkeypatch.setattr(os, "link", refuse)
    said(put(CONTENT), begin(**{"data/1.mha": DIGEST}))
    assert (begun.folder / "data" / "1.mha").read_bytes() == CONTENT
    said({**begin(**{"data/1.mha": DIGEST}), "begin": IDENTITY[::-1]})
    assert said(remove()) == [{"event": "removed"}]
    assert (files / DIGEST).exists() == links
    assert said(remove(IDENTITY[::-1]), remove()) == [{"event": "removed"}] * 2
    assert not [path for path in files.parent.rglob("*") if path.is_file()]


def test_what_was_sent_for_a_run_that_was_not_begun_is_removed_with_it(files: Path, begun: GuestRun) -> None:
    other = hashlib.sha256(b"").hexdigest()
    said(put(CONTENT), put(b"", 0, 0).replace(DIGEST.encode(), other.encode()))
    assert {path.name for path in files.iterdir()} == {DIGEST, other}
    said(remove(IDENTITY[::-1], DIGEST))
    assert {path.name for path in files.iterdir()} == {other}
    said(put(CONTENT[:5]))  # the line breaks
    said(remove(IDENTITY[::-1], DIGEST, other))
    assert not list(files.iterdir())
    said(put(CONTENT), begin(**{"data/1.mha": DIGEST}), remove(IDENTITY[::-1], DIGEST))
    assert (files / DIGEST).exists()  # another run has it


def test_two_connections_do_not_begin_or_end_a_run_at_once(begun: GuestRun) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(begun.folder.parents[1])], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline()
        answers = said(begin(), {"stop": IDENTITY}, remove())
        other.kill()
    assert [answer["again"] for answer in answers] == [True] * 3
    assert said({"stop": IDENTITY})[0]["event"] == "stopped"


def test_a_run_is_removed_from_a_disk_that_is_full(files: Path, begun: GuestRun, monkeypatch) -> None:
    said(put(CONTENT), begin(**{"data/1.mha": DIGEST}))
    with monkeypatch.context() as patch:
        patch.setattr("dints.files.storage.write_text", full)
        patch.setattr("dints.remote.runs.guest.write_json", full)
        patch.setattr("dints.files.lock._sign", full)
        assert said(remove()) == [{"event": "removed"}]
    assert not [path for path in files.parent.rglob("*") if path.is_file()]


def test_a_disk_that_is_full_as_a_run_begins_is_told(begun: GuestRun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GuestRun, "keep", full)
    (refused,) = said(begin())
    assert f"{begun.folder}: cannot be written (No space left on device)" in refused["text"]


def test_half_a_run_is_removed(begun: GuestRun) -> None:
    begun.stages_file.unlink()
    assert said(remove()) == [{"event": "removed"}]
    assert not begun.folder.exists()


def test_a_run_does_not_begin_without_its_files(begun: GuestRun) -> None:
    (refused,) = said(begin(**{"data/1.mha": DIGEST}))
    assert "run the same command again" in refused["text"]


def test_a_run_that_works_is_begun_once(files: Path, begun: GuestRun, monkeypatch) -> None:
    monkeypatch.setattr("dints.remote.runs.launcher.ProcessLauncher.alive", lambda self, guest: GuestState(RUNNING))
    again, other = said(begin(), put(CONTENT), begin(**{"config.yaml": DIGEST}))
    assert again["event"] == "begun"
    assert "is under way already" in other["text"]


def test_events_that_were_cut_short_are_left_out(begun: GuestRun) -> None:
    begun.events_file("search").write_text('{"event": "message", "te{"event": "message"}\n{"event": "result"}\n{"ev')
    (looked,) = said({"look": IDENTITY, "at": {}})
    assert looked["events"] == [{"event": "result"}]
    assert said({"look": IDENTITY, "at": looked["at"]})[0]["events"] == []
    assert "ended without a word" in looked["text"]
    begun.tell("search", GuestState(DONE))
    assert said({"look": IDENTITY, "at": looked["at"]})[0]["done"] == ["search"]


def test_what_is_written_or_kept_for_speed_is_not_listed(begun: GuestRun) -> None:
    for name in ("run.json", "search/log.jsonl", "cache/1.npy", ".lock", "search/.x.tmp.pt", ".new.tmp/1.pt"):
        path = begun.run_folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (begun.run_folder / "gone").symlink_to("nowhere")
    assert said({"look": IDENTITY, "at": {}})[0]["files"].keys() == {"run.json", "search/log.jsonl"}
    assert said({"get": IDENTITY, "path": "gone"}) == [{"event": "gone"}]
    assert "is no path within the run" in said({"get": IDENTITY, "path": "../stages.json"})[0]["text"]


def test_a_file_that_takes_long_to_fetch_is_no_silence(begun: GuestRun, monkeypatch: pytest.MonkeyPatch) -> None:
    begun.run_folder.mkdir()
    (begun.run_folder / "large.pt").write_bytes(bytes(2**20))
    heard: list[int] = []
    monkeypatch.setattr(signal, "alarm", lambda seconds: heard.append(seconds) or 0)
    said({"get": IDENTITY, "path": "large.pt"})
    assert len(heard) > 4  # once for the message


def test_a_full_disk_is_told(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", full)
    (refused,) = said(put(CONTENT))
    assert "No space left on device" in refused["text"]
    assert "free disk space" in refused["text"]

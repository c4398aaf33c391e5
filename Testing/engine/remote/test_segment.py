"""`dints segment --on NAME` through a real server: the same labels, no name of a patient, and nothing left there."""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints.cli import main
from dints.errors import RunError, StorageError
from dints.files.passing import new_folder, passing_folder
from dints.files.storage import read_json, write_json
from dints.remote.connection import Connection
from dints.remote.hosts import Host, keep_host
from dints.remote.relay import Relay
from dints.remote.ssh import UnreachableError
from dints.remote.worker import TRIES, RemoteWorker
from dints.service.worker import Worker


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A slanted scan whose name, folder and header speak of a patient."""
    path = tmp_path / "Miller" / "Miller_John.nrrd"
    path.parent.mkdir()
    image = sitk.GetImageFromArray(np.random.default_rng(0).normal(50, 20, (18, 20, 22)).astype(np.float32))
    image.SetDirection(sitk.VersorTransform((0.3, 0.2, 0.1), 0.7).GetMatrix())
    image.SetSpacing((1.01, 0.99, 1.0 / 3 + 0.7))
    image.SetMetaData("patient", "Miller^John")
    sitk.WriteImage(image, path)
    return path


def rounded(number: str) -> float:
    """Areas and means are sums, whose last digit is another from time to time."""
    return round(float(number), 9)


def same(first: Path, second: Path) -> bool:
    one, two = sitk.ReadImage(first), sitk.ReadImage(second)
    alike = np.array_equal(sitk.GetArrayFromImage(one), sitk.GetArrayFromImage(two))
    return alike and one.GetDirection() == two.GetDirection() and one.GetSpacing() == two.GetSpacing()


def test_a_folder_gives_the_labels_of_here_bit_for_bit_and_sends_no_name(
    there, server, eventually, scan, model_file, tmp_path, monkeypatch
):
    record = tmp_path / "record"
    other = scan.with_name("Miller_Jane.nii.gz")
    sitk.WriteImage(sitk.ReadImage(scan) * 2, other)
    segment = ["segment", "--model", str(model_file), "--input", str(scan.parent), "--device", "cpu"]
    assert main([*segment, "--output", str(tmp_path / "here")]) == 0
    monkeypatch.setenv("SSH_RECORD", str(record))
    assert main([*segment, "--output", str(tmp_path / "there"), "--on", "there"]) == 0
    assert eventually(server.is_clean)
    for name in ("Miller_John.nii.gz", "Miller_Jane.nii.gz"):
        assert same(tmp_path / "here" / name, tmp_path / "there" / name)
    sent = record.read_bytes()
    assert sent.count(b'"put"') == 3  # the model once, and two scans
    assert len(sent) > model_file.stat().st_size
    assert b"miller" not in sent.lower()
    assert str(tmp_path).encode() not in sent


def test_a_relay_answers_as_the_worker_of_here_and_stays_warm(there, server, eventually, scan, model_file, tmp_path):
    def events(worker: Worker, stream: StringIO, job: dict) -> list[dict]:
        stream.seek(0)
        stream.truncate()
        worker.run(json.dumps(job))
        found = [json.loads(line, parse_float=rounded) for line in stream.getvalue().splitlines()]
        for event in found:
            for changing in ("seconds", "seconds_left", "metrics"):
                event.pop(changing, None)
                event.get("values", {}).pop(changing, None)
        return found

    def answers(worker: Worker, stream: StringIO, device: str) -> list[list[dict]]:
        job = {"job": 1, "command": "segment", "model": str(model_file), "inputs": [str(scan)], "device": device}
        job |= {
            "output": str(tmp_path / "labels.nrrd"),
            "disagreement": str(tmp_path / "doubt.nrrd"),
            "statistics": True,
        }
        wrong = job | {"job": "two", "inputs": [str(scan), str(scan)]}
        estimate = {"job": 3, "command": "estimate", "model": str(model_file), "size": [22, 20, 18]}
        estimate |= {"spacing": [1, 1, 1], "device": device}
        return [events(worker, stream, one) for one in (job, wrong, estimate)]

    stream = StringIO()
    here = answers(Worker(stream), stream, "cpu")
    (tmp_path / "labels.nrrd").rename(tmp_path / "expected.nrrd")
    stream = StringIO()
    relay = Relay(stream)
    found = answers(relay, stream, "@there")
    relay.close()
    told = found[0].pop(0)
    assert there.address in told["text"]
    assert "nothing stays" in told["text"]
    read_first = found[1].pop(0)  # scans are read here, before the model is loaded there
    found[1].insert(1, read_first)
    assert found == here
    assert same(tmp_path / "expected.nrrd", tmp_path / "labels.nrrd")
    assert eventually(server.is_clean)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The moments at which the line was broken: it is, once at each."""
    moments: list[str] = []

    def break_once(connection: Connection, moment: str) -> None:
        if moment not in moments:
            moments.append(moment)
            os.kill(connection._process.pid, signal.SIGKILL)

    put, get, following = Connection.put, Connection.get, Connection._next

    def next_event(connection: Connection, ready: bool = True) -> dict:
        event = following(connection, ready)
        if event["event"] == "progress":
            break_once(connection, "segmenting")
        return event

    monkeypatch.setattr("dints.remote.worker.PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(Connection, "put", lambda self, *given: (break_once(self, "sending"), put(self, *given))[1])
    monkeypatch.setattr(Connection, "get", lambda self, *given: (break_once(self, "fetching"), get(self, *given)))
    monkeypatch.setattr(Connection, "_next", next_event)
    return moments


def test_a_case_is_repeated_after_the_line_broke_while_sending_segmenting_and_fetching(
    there, server, eventually, scan, model_file, tmp_path, broken, capsys
):
    segment = ["segment", "--model", str(model_file), "--input", str(scan), "--device", "cpu"]
    assert main([*segment, "--output", str(tmp_path / "there.nrrd"), "--on", "there"]) == 0
    assert broken == ["sending", "segmenting", "fetching"]
    said = capsys.readouterr().err
    assert all(f"trying again ({number} of {TRIES})" in said for number in (2, 3, 4))
    assert main([*segment, "--output", str(tmp_path / "here.nrrd")]) == 0
    assert same(tmp_path / "here.nrrd", tmp_path / "there.nrrd")
    assert eventually(server.is_clean)


def test_a_disk_that_is_full_here_is_no_broken_line(there, tmp_path):
    file = tmp_path / "a.mha"
    file.write_bytes(b"scan")
    connection = Connection(there)
    try:
        name = connection.put(file, ".mha")
        with pytest.raises(StorageError, match=r"b\.mha: cannot be written"):
            connection.get(name, tmp_path / "missing" / "b.mha")
    finally:
        connection.close()


def test_a_disk_that_is_full_there_is_no_broken_line(there, tmp_path):
    small, file = tmp_path / "python", tmp_path / "large.mha"
    limits = "ulimit -f 4\nexport PYTHONDONTWRITEBYTECODE=1"  # blocks of 512 bytes
    small.write_text(f'#!/bin/sh\n{limits}\nexec {sys.executable} "$@"\n')
    small.chmod(0o755)
    file.write_bytes(os.urandom(2**24))  # more than the pipes on the way hold
    connection = Connection(replace(there, python=str(small)))
    try:
        with pytest.raises(RunError, match=r"^host there: .* cannot be written \(File too large\)") as caught:
            connection.put(file, ".mha")
        assert not isinstance(caught.value, UnreachableError)  # no other try
    finally:
        connection.close()


def test_a_model_in_a_folder_is_sent_and_nothing_else_that_lies_there(
    there, scan, model_file, tmp_path, monkeypatch, capsys
):
    model = tmp_path / "model"
    with zipfile.ZipFile(model_file) as archive:
        archive.extractall(model)
    (model / "patient.txt").write_text("Miller")
    manifest = read_json(model / "manifest.json")
    manifest["config"]["task"]["name"] = manifest["notes"] = "Scans of Miller"  # as its data set's folder was called
    write_json(model / "manifest.json", manifest)
    monkeypatch.setenv("SSH_RECORD", str(tmp_path / "record"))
    arguments = ["--input", str(scan), "--device", "cpu", "--on", "there"]
    for path in (model, Path(shutil.copy(model_file, tmp_path / "Model.ZIP2"))):
        output = tmp_path / f"{path.name}.nrrd"
        assert main(["segment", "--model", str(path), *arguments, "--output", str(output)]) == 0, capsys.readouterr()
        assert output.is_file()
    assert same(tmp_path / "model.nrrd", tmp_path / "Model.ZIP2.nrrd")
    assert b"Miller" not in (tmp_path / "record").read_bytes()


def test_what_fails_there_is_said_of_the_file_here_and_of_the_host(there, scan, model_file, tmp_path, monkeypatch):
    def fail(connection: Connection, job: dict, on_event: object) -> None:
        raise RunError(f"host there: {job['inputs'][0]}: cannot be read")

    monkeypatch.setattr(Connection, "ask", fail)
    job = {"command": "segment", "model": str(model_file), "inputs": [str(scan)], "output": str(tmp_path / "x.nrrd")}
    with RemoteWorker(there) as worker, pytest.raises(RunError, match=f"^host there: {scan}: cannot be read$"):
        worker.run(job, lambda event: None)


def test_what_a_killed_program_left_here_is_removed_by_the_next(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with subprocess.Popen(["true"]) as gone:
        pass
    names = [f"dints-send-{platform.node().partition('.')[0]}-{process}-abc" for process in (gone.pid, os.getpid())]
    for name in (*names, "dints-send-elsewhere-1-abc"):
        (tmp_path / name).mkdir()
    with passing_folder("dints-send") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
            [folder.name, names[1], "dints-send-elsewhere-1-abc"]
        )
    assert not folder.exists()


def test_scans_come_to_no_other_disk_than_the_one_that_was_named(tmp_path, monkeypatch):
    def make(prefix: str, dir: Path) -> str:
        raise OSError(28, f"No space left in {dir}")

    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.mkdtemp", make)
    with pytest.raises(StorageError, match=rf"^{tmp_path}: cannot be written \(No space left in {tmp_path}\)"):
        new_folder("dints-send")


def test_a_temporary_folder_that_is_not_there_is_no_hindrance(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "of another computer"))
    with passing_folder("dints-send") as folder:
        assert folder.is_dir()


def test_a_host_that_is_off_ends_the_work_with_what_to_do(scan, model_file, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("DINTS_HOSTS", str(tmp_path / "hosts.json"))
    monkeypatch.setattr("dints.remote.worker.PAUSE_SECONDS", 0.0)
    command = ["ssh", "-F", "none", "-o", "BatchMode=yes", "-p", "1", "127.0.0.1", "true"]
    monkeypatch.setattr("dints.remote.ssh.ssh_command", lambda host, words: command)
    keep_host(Host("off", "127.0.0.1"))
    arguments = ["--model", str(model_file), "--input", str(scan.parent), "--output", str(tmp_path / "labels")]
    assert main(["segment", *arguments, "--on", "off"]) == 1
    said = capsys.readouterr().err
    assert said.count("trying again") == TRIES - 1
    assert "`dints hosts check off`, then run the same again: what is done stays" in said
    assert not (tmp_path / "labels").exists()


def test_an_engine_of_another_version_is_refused(there, scan, model_file, tmp_path, monkeypatch):
    monkeypatch.setattr("dints.remote.worker.__version__", "99")
    job = {"command": "estimate", "model": str(model_file), "size": [9, 9, 9], "spacing": [1, 1, 1]}
    with (
        RemoteWorker(there) as worker,
        pytest.raises(UnreachableError, match="not 99; `dints hosts check there --install` brings that of here"),
    ):
        worker.run(job, lambda event: None)

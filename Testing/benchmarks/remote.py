"""What another computer adds to a segmentation when the line costs nothing, and how fast files travel.

    python Testing/benchmarks/remote.py

An OpenSSH server on the loopback address takes this computer for another one. Two warm workers, one of here and one
behind the server, get the same job in turns, on a small scan and on a larger one; the first turn is not counted. Wall
seconds from the job to its last event: reading the scan, sending it, segmenting, and writing the labels. Then a file of
noise is sent and fetched. The result goes to results/remote.json. Needs Debian's openssh-server; as root, /run/sshd.
"""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import SimpleITK as sitk
import torch
from comparisons.segmentation import scan
from machine import machine
from paths import HERE, RESULTS
from warm_worker import events_until, write_model

from dints.files.storage import write_json
from dints.remote.connection import Connection
from dints.remote.hosts import FILE_VARIABLE, Host, keep_host

RESULT = RESULTS / "remote.json"
SIZES = {"small": (24, 24, 20), "larger": (120, 120, 96)}
TURNS = 7
SENT_BYTES = 2**27
NAME = "loopback"
ENGINE = HERE.parents[1] / "DiNTSEngine"


def main() -> int:
    """0: there is no limit that could be missed."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with loopback(folder) as host:
            result = {"seconds": measure(folder), "megabytes_a_second": travel(host, folder), "machine": machine()}
    write_json(RESULT, result)
    print(RESULT.read_text())
    return 0


def measure(folder: Path) -> dict[str, Any]:
    """Of each size: seconds of all turns, here and there."""
    model = write_model(folder / "model.zip")
    sides = {"here": [], "there": ["--on", NAME]}
    with ExitStack() as workers:
        started = {side: workers.enter_context(worker(words)) for side, words in sides.items()}
        result: dict[str, Any] = {}
        for size, voxels in SIZES.items():
            image = folder / f"{size}.nii.gz"
            sitk.WriteImage(scan(voxels), image)
            job = {"job": 1, "command": "segment", "model": str(model.path), "inputs": [str(image)], "device": None}
            outputs = {side: folder / f"{size}-{side}.nii.gz" for side in sides}
            lines = {side: json.dumps(job | {"output": str(path)}) for side, path in outputs.items()}
            turns = [{side: seconds(started[side], lines[side]) for side in sides} for _ in range(TURNS + 1)][1:]
            assert outputs["here"].read_bytes() == outputs["there"].read_bytes()
            result[size] = {side: [turn[side] for turn in turns] for side in sides}
            result[size]["voxels"] = "x".join(map(str, voxels))
            result[size]["added"] = statistics.median(turn["there"] - turn["here"] for turn in turns)
    return result


@contextmanager
def worker(words: list[str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "dints", "worker", *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        events_until("ready", process)
        yield process
        assert process.stdin
        process.stdin.close()  # ends it


def seconds(process: subprocess.Popen[str], line: str) -> float:
    assert process.stdin
    start = time.perf_counter()
    process.stdin.write(line + "\n")
    process.stdin.flush()
    events_until("finished", process)
    return time.perf_counter() - start


def travel(host: Host, folder: Path) -> dict[str, float]:
    """Megabytes a second of noise in both directions."""
    (folder / "noise.bin").write_bytes(os.urandom(SENT_BYTES))
    (folder / "end.bin").write_bytes(b"end")
    connection = Connection(host)
    try:
        start = time.perf_counter()
        name = connection.put(folder / "noise.bin", ".bin")
        connection.get(connection.put(folder / "end.bin", ".bin"), folder / "end.bin")  # once all before it is there
        sent = time.perf_counter() - start
        connection.get(name, folder / "noise.bin")
        fetched = time.perf_counter() - start - sent
    finally:
        connection.close()
    return {"sent": SENT_BYTES / 1e6 / sent, "fetched": SENT_BYTES / 1e6 / fetched}


@contextmanager
def loopback(folder: Path) -> Iterator[Host]:
    """This computer behind a server and keys of its own."""
    for key in ("host_key", "user_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / key)], check=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    known, public = folder / "known_hosts", (folder / "host_key.pub").read_text()
    known.write_text(f"[127.0.0.1]:{port} {public}")
    options = ["-F", "none", "-i", str(folder / "user_key"), "-p", str(port), "-o", f"UserKnownHostsFile={known}"]
    client = folder / "bin" / "ssh"
    client.parent.mkdir()
    client.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} {" ".join(options)} "$@"\n')
    client.chmod(0o755)
    os.environ |= {"PATH": f"{client.parent}:{os.environ['PATH']}", FILE_VARIABLE: str(folder / "hosts.json")}
    os.environ |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ENGINE)}
    host = Host(NAME, f"{getpass.getuser()}@127.0.0.1", sys.executable)
    keep_host(host)
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {folder}/host_key\nAuthorizedKeysFile {folder}/user_key.pub\n"
        "PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\n"
        f"SetEnv OMP_NUM_THREADS=1 PYTHONPATH={ENGINE}\n"
    )
    server = subprocess.Popen([shutil.which("sshd") or "/usr/sbin/sshd", "-D", "-e", "-f", str(folder / "sshd_config")])
    try:
        time.sleep(1.0)  # until it listens
        yield host
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    raise SystemExit(main())

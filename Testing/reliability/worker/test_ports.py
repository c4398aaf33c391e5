"""Nobody can reach the engine from outside: it talks through pipes and listens nowhere."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROC = Path("/proc")
LISTENING_TCP = "0A"  # of the column "st"
ACCEPTING_UNIX = 0x10000  # of the column "Flags": SO_ACCEPTCON
INTERNET = {"tcp": LISTENING_TCP, "tcp6": LISTENING_TCP, "udp": None, "udp6": None, "raw": None, "raw6": None}

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="sockets are read from /proc")


def listening(pid: int) -> list[str]:
    """Sockets of a process that others could send to."""
    links = [os.readlink(path) for path in (PROC / str(pid) / "fd").iterdir()]
    own = {link.removeprefix("socket:[").rstrip("]") for link in links if link.startswith("socket:")}
    net = PROC / str(pid) / "net"
    found = []
    for table, state in INTERNET.items():
        for row in (net / table).read_text().splitlines()[1:]:
            columns = row.split()
            if columns[9] in own and state in (None, columns[3]):
                found.append(f"{table} {columns[1]}")
    for row in (net / "unix").read_text().splitlines()[1:]:
        columns = row.split()
        if columns[6] in own and int(columns[3], 16) & ACCEPTING_UNIX:
            found.append(f"unix {columns[7:]}")
    return found


def test_the_worker_listens_nowhere(warm_worker: Any, segment: dict[str, Any]) -> None:
    assert listening(warm_worker.process.pid) == []
    warm_worker.send(segment)
    warm_worker.events_until("finished")
    assert listening(warm_worker.process.pid) == []


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
def test_this_look_finds_who_listens(family: socket.AddressFamily, tmp_path: Path) -> None:
    address = str(tmp_path / "socket") if family == socket.AF_UNIX else ("localhost", 0)
    program = f"import socket; s = socket.socket({int(family)}); s.bind({address!r}); s.listen(); print(); input()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert len(listening(process.pid)) == 1
        process.stdin.close()

"""A real OpenSSH server on the loopback address: keys, configuration and known hosts are made for the tests."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import SimpleITK as sitk

from dints.remote.hosts import Host, keep_host

from .cluster import CONFIGURATION_FILE, CONFIGURATION_VARIABLE, cluster_running, why_missing
from .guests import guests

SERVER = shutil.which("sshd") or "/usr/sbin/sshd"
ENGINE = Path(__file__).resolve().parents[3] / "DiNTSEngine"
HANDED_ON = ("PYTHONPATH", "COVERAGE_PROCESS_CONFIG", "OMP_NUM_THREADS", "DINTS_PRECISION", "PATH")
CUT = Path(__file__).with_name("cut.py")
PATIENT = "Doe^Jane"
PYTORCH = "torchinductor"  # its own empty folder
START_SECONDS = 10.0
PIP = """
import sys, sysconfig, zipfile
command, file = sys.argv[1:]
assert command == "install"
zipfile.ZipFile(file).extractall(sysconfig.get_path("purelib"))
"""  # in place of pip, which would fetch PyTorch
RECORD = """
import os, subprocess, sys
with open(os.environ["SSH_RECORD"], "ab") as record, subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE) as ssh:
    record.write(" ".join(sys.argv).encode())
    while piece := os.read(0, 65536):
        record.write(piece)
        ssh.stdin.write(piece)
        ssh.stdin.flush()
"""  # keeps all that is sent
TORCH = """
from types import SimpleNamespace
version = SimpleNamespace(cuda="12.4")
device = SimpleNamespace(name="Small GPU", total_memory=8 * 2**30)
cuda = SimpleNamespace(device_count=lambda: 1, get_device_properties=lambda index: device)
get_num_threads = lambda: 1
"""  # in place of PyTorch, which takes seconds to import


@dataclass
class Server:
    """What tests need to know of it. `folder/home` is what processes there take for their home."""

    folder: Path
    port: int
    user: str

    @property
    def address(self) -> str:
        return f"{self.user}@loopback.test"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def temporary(self) -> Path:
        """Where processes there put temporary files."""
        return self.folder / "tmp"

    def is_clean(self) -> bool:
        """Whether no temporary file and no process of the engine is left there."""
        left = [path for path in self.temporary.iterdir() if not path.name.startswith(PYTORCH)]
        return not left and not self.processes()

    def processes(self) -> list[str]:
        """Command lines of the engine's processes there."""
        found, home = [], f"HOME={self.home}".encode()
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it ended meanwhile
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                if "-m dints" in command and home in (folder / "environ").read_bytes().split(b"\0"):
                    found.append(command)
        return found

    def trust(self) -> None:
        """Makes the server's key known, as a user who confirmed it did."""
        algorithm, key, *_ = (self.folder / "host_key.pub").read_text().split()
        (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {algorithm} {key}\n")


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    """Whether something comes true in time."""
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


@pytest.fixture(name="eventually", scope="session")
def eventually_fixture() -> Callable[[Callable[[], bool]], bool]:
    return eventually


def leave_out(reason: str) -> None:
    """What cannot be tested here is left out, and fails where everything is to be tested."""
    pytest.fail(reason) if os.environ.get("DINTS_TEST_ALL") else pytest.skip(reason)


def free_ports(count: int) -> list[int]:
    with ExitStack() as open_sockets:
        found = [open_sockets.enter_context(socket.socket()) for _ in range(count)]
        for one in found:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in found]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not Path(SERVER).is_file():
        leave_out("OpenSSH's server is not installed (Debian: openssh-server)")
    folder = tmp_path_factory.mktemp("ssh")
    server = Server(folder, free_ports(1)[0], pwd.getpwuid(os.getuid()).pw_name)
    _write_configuration(server)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # which the server insists on where root starts it
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([SERVER, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=log)
    try:
        _wait(server, process)
        yield server
    finally:
        process.terminate()
        process.wait()


def _write_configuration(server: Server) -> None:
    folder = server.folder
    for name in ("host_key", "user_key", "other_key"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    shutil.copy(folder / "user_key.pub", folder / "authorized_keys")
    for path in (server.home, server.temporary, folder / "bin"):
        path.mkdir()
    environment = {name: os.environ[name] for name in HANDED_ON if name in os.environ}
    environment |= {
        "HOME": str(server.home),
        "TMPDIR": str(server.temporary),
        "DINTS_MODELS": str(server.home / "none"),
        CONFIGURATION_VARIABLE: str(folder / "slurm" / CONFIGURATION_FILE),
    }
    environment["PYTHONPATH"] = os.pathsep.join(
        [str(folder / "python"), str(ENGINE), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    )
    (folder / "python" / "pip").mkdir(parents=True)
    (folder / "python" / "pip" / "__main__.py").write_text(PIP)
    light = folder / "bin" / "light-python"  # has a GPU
    (folder / "light").mkdir()
    (folder / "light" / "torch.py").write_text(TORCH)
    light.write_text(f'#!/bin/sh\nexport PYTHONPATH={folder}/light:"$PYTHONPATH"\nexec {sys.executable} "$@"\n')
    light.chmod(0o755)
    quoted = " ".join(f'"{name}={value}"' for name, value in environment.items())
    (folder / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{server.port}\nHostKey {folder}/host_key\nPidFile none\nStrictModes no\nUsePAM no\n"
        f"AuthorizedKeysFile {folder}/authorized_keys\nPasswordAuthentication no\n"
        f"KbdInteractiveAuthentication no\nPermitRootLogin yes\nMaxStartups 100\nSetEnv {quoted}\n"
        f'ForceCommand cd {server.home} && export HOME=$PWD && eval "$SSH_ORIGINAL_COMMAND"\n'
    )
    _write_client(server)


def _write_client(server: Server) -> None:
    """An ssh that knows the configuration of the tests."""
    folder = server.folder
    (folder / "ssh_config").write_text(
        f"Host loopback.test\n HostName 127.0.0.1\n Port {server.port}\n IdentitiesOnly yes\n"
        f" IdentityFile {folder}/user_key\n UserKnownHostsFile {folder}/known_hosts\n GlobalKnownHostsFile /dev/null\n"
    )
    client, real = folder / "bin" / "ssh", f"{shutil.which('ssh')} -F {folder}/ssh_config"
    (folder / "record.py").write_text(RECORD)
    client.write_text(
        f'#!/bin/sh\n[ -z "$SSH_RECORD" ] || exec {sys.executable} {folder}/record.py {real} "$@"\n'
        f'[ -z "$SSH_CUT" ] || exec {sys.executable} {CUT} {real} "$@"\nexec {real} "$@"\n'
    )
    client.chmod(0o755)


def _wait(server: Server, process: subprocess.Popen) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", server.port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail(f"OpenSSH's server did not start: {(server.folder / 'log').read_text()}")


@pytest.fixture
def reachable(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Server:
    """The server, in the configuration of this computer's ssh; its key is not known yet."""
    monkeypatch.setenv("PATH", f"{server.folder / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("DINTS_HOSTS", str(tmp_path / "hosts.json"))
    (server.folder / "known_hosts").unlink(missing_ok=True)
    return server


@pytest.fixture
def there(reachable: Server) -> Host:
    """A host of known key with the engine of this checkout."""
    reachable.trust()
    host = Host("there", reachable.address, sys.executable)
    keep_host(host)
    return host


@pytest.fixture(scope="session")
def slurm(server: Server) -> Iterator[dict[str, str]]:
    """A cluster behind the server; yields what the environment of SLURM's commands here needs to reach it."""
    if reason := why_missing():
        leave_out(reason)
    folder = server.folder / "slurm"
    folder.mkdir()
    with cluster_running(folder, free_ports(2)) as environment:
        yield environment


@pytest.fixture
def login_node(there: Host, slurm: dict[str, str]) -> Host:
    """A host of known key that hands searches and trainings to the cluster."""
    host = replace(there, scheduler="slurm")
    keep_host(host)
    return host


@pytest.fixture(scope="session")
def patients(phantoms: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four phantoms under the name of a patient, which their headers hold, too."""
    folder = tmp_path_factory.mktemp("Doe^Jane's scans")
    listed = json.loads((phantoms / "dataset.json").read_text())
    for number, entry in enumerate(listed["training"][:4]):
        for kind in ("image", "label"):
            image = sitk.ReadImage(str(phantoms / entry[kind]))
            image.SetMetaData("0010|0010", PATIENT)
            (folder / f"{kind}s").mkdir(exist_ok=True)
            sitk.WriteImage(image, folder / f"{kind}s" / f"{PATIENT} {number}.nrrd")
    (folder / "labels.json").write_text(json.dumps(listed["labels"]))
    return folder


@pytest.fixture
def arguments(patients: Path, tiny_config_file: Path, tmp_path: Path) -> list[str]:
    """Of a search there."""
    config = tmp_path / f"{PATIENT}.yaml"
    config.write_text(f"# for {PATIENT}\n{tiny_config_file.read_text()}")
    data = ["--data", str(patients), "--config", str(config), "--set", "training.folds=2"]
    return ["--run", str(tmp_path / "run"), *data, "--device", "cpu", "--on", "there"]


@pytest.fixture
def nothing_is_left(server: Server) -> Iterator[None]:
    """Whatever becomes of a test, its runs are ended there."""
    yield
    for guest in guests(server):
        subprocess.run(["pkill", "--full", guest.name], check=False)
        shutil.rmtree(guest, ignore_errors=True)

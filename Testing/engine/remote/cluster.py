"""A real SLURM of one node, in a folder of its own: munge's daemon, the controller and the node's daemon."""

from __future__ import annotations

import os
import platform
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
START_SECONDS, END_SECONDS = 15.0, 5.0
CPUS = GPUS = 2  # of which SLURM believes what it is told
CONFIGURATION_VARIABLE, CONFIGURATION_FILE = "SLURM_CONF", "slurm.conf"
CONFIGURATION = """
ClusterName=test
SlurmctldHost={node}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/builtin
SchedulerParameters=sched_interval=1,batch_sched_delay=0
AccountingStorageType=accounting_storage/none
GresTypes=gpu
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
KillWait=1
NodeName={node} NodeAddr=127.0.0.1 CPUs={cpus} Gres=gpu:{gpus} State=UNKNOWN
PartitionName=debug Nodes={node} Default=YES MaxTime=INFINITE OverSubscribe=NO State=UP
PartitionName=down Nodes={node} MaxTime=1 State=DOWN
"""  # no control groups, and no accounts: a container has neither


def why_missing() -> str | None:
    """What keeps tests from having a cluster here."""
    missing = [name for name in (*DAEMONS, "sbatch") if find(name) is None]
    if missing:
        return f"{', '.join(missing)} of SLURM cannot be found (Debian: slurmctld slurmd slurm-client munge)"
    return None if os.getuid() == 0 else "SLURM's daemons start jobs as their user only where root started them"


def find(program: str) -> str | None:
    """Daemons need not be in the path of a user."""
    return shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin")


@contextmanager
def cluster_running(folder: Path, ports: list[int]) -> Iterator[dict[str, str]]:
    """Starts the daemons and ends them; yields what the environment of SLURM's commands needs."""
    node = platform.node().partition(".")[0]
    for name in ("munge", "state", "spool"):
        (folder / name).mkdir(mode=0o711)
    key, configuration = folder / "munge" / "key", folder / CONFIGURATION_FILE
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o400)
    configuration.write_text(CONFIGURATION.format(node=node, folder=folder, ports=ports, cpus=CPUS, gpus=GPUS))
    for number in range(GPUS):
        (folder / f"gpu{number}").touch()
    (folder / "gres.conf").write_text(f"Name=gpu File={folder}/gpu[0-{GPUS - 1}]\n")
    munge = ["--foreground", "--force", f"--key-file={key}"]
    munge += [
        f"--{name}={folder}/munge/{name.partition('-')[0]}" for name in ("socket", "pid-file", "log-file", "seed-file")
    ]
    environment = {CONFIGURATION_VARIABLE: str(configuration)}
    with ExitStack() as running:
        running.enter_context(daemon("munged", munge, folder))
        running.enter_context(daemon("slurmctld", ["-D", "-i", "-f", str(configuration)], folder))
        running.enter_context(daemon("slurmd", ["-D", "-f", str(configuration)], folder))
        wait_until_idle(folder, environment)
        try:
            yield environment
        finally:
            end_jobs(os.environ | environment)


def end_jobs(environment: dict[str, str]) -> None:
    """Else they outlive the node's daemon."""
    subprocess.run(["scancel", "--me"], env=environment, check=False)
    end, left = time.monotonic() + END_SECONDS, "some"
    while left and time.monotonic() < end:
        asked = ["squeue", "--me", "--noheader", "--states=RUNNING,COMPLETING"]
        left = subprocess.run(asked, env=environment, capture_output=True, text=True, check=False).stdout
        time.sleep(0.1)


@contextmanager
def daemon(program: str, options: list[str], folder: Path) -> Iterator[None]:
    with (folder / f"{program}.log").open("w") as log:
        process = subprocess.Popen([str(find(program)), *options], stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until_idle(folder: Path, environment: dict[str, str]) -> None:
    """Until jobs can start. RuntimeError with what the daemons wrote."""
    end = time.monotonic() + START_SECONDS
    command = ["sinfo", "--noheader", "--partition=debug", "--format=%T"]
    while time.monotonic() < end:
        asked = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
        if asked.stdout.strip() == "idle":
            return
        time.sleep(0.1)
    logs = "\n".join((folder / f"{name}.log").read_text()[-2000:] for name in DAEMONS)
    raise RuntimeError(f"SLURM did not start:\n{logs}")

"""What a host has and lacks, and the engine brought there."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dints import __version__
from dints.errors import RunError
from dints.remote.hosts import Host
from dints.remote.ssh import run_there
from dints.remote.wheel import wheel, wheel_name

PROBE = Path(__file__).with_name("probe.py")
OLDEST_PYTHON, NEWEST_PYTHON = (3, 10), (3, 12)
ENVIRONMENT = ".dints/environment"  # there, in the home folder
NO_GRES = "(null)"  # what sinfo says of nodes that have none
RECEIVE = (  # in one line: csh, which may be the shell there, takes none with a break
    "import os, sys; os.makedirs(os.path.dirname(sys.argv[1]), mode=0o700, exist_ok=True); "
    'open(sys.argv[1], "wb").write(sys.stdin.buffer.read())'
)


@dataclass(frozen=True)
class Examination:
    """What was found on a host."""

    facts: dict[str, Any]
    findings: list[str]  # sentences on what is missing
    lacks_engine: bool  # which `install` brings, with the packages that it needs


def examine(host: Host) -> Examination:
    """Reaches a host and asks what it has. RunError if it cannot be reached or has no Python."""
    answer = run_there(host, [host.python, "-"], PROBE.read_bytes()).decode(errors="replace")
    line = answer.strip().rpartition("\n")[2]  # shells may print before
    try:
        facts: dict[str, Any] = json.loads(line)
        findings = list(facts.pop("findings"))
    except (ValueError, KeyError) as error:
        raise RunError(f"host {host.name}: {host.python} gave no answer; is it a Python 3?") from error
    version = tuple(map(int, facts["python"].split(".")[:2]))
    if not OLDEST_PYTHON <= version <= NEWEST_PYTHON:
        given = f"`dints hosts add {host.name} {host.address} --python PATH`"
        findings.insert(0, f"Python {facts['python']} is not among 3.10 to 3.12; give another with {given}")
    lacks = facts["dints"] != __version__ or any(" is missing: the engine cannot work" in text for text in findings)
    if lacks:
        there = f"engine {facts['dints']} is not that of here" if facts["dints"] else "the engine is missing"
        command = f"`dints hosts check {host.name} --install` installs it into {_place(facts)}"
        findings.insert(0, f"{there} ({__version__}); {_why_not(host, facts) or command}")
    if host.scheduler == "slurm":
        findings += _slurm_findings(host, facts["slurm"])
    return Examination(facts, findings, lacks)


def slurm_sentences(host: Host, facts: dict[str, Any]) -> list[str]:
    """On the cluster's partitions, and on what tells how jobs ended."""
    slurm = facts["slurm"]
    if slurm is None:
        return []
    if host.scheduler != "slurm":
        return [f"SLURM is there; `dints hosts add {host.name} {host.address} --scheduler slurm` uses its queue"]
    rows = [
        f"partition {row['name']}: {row['state']}, nodes: {row['nodes']}, GPUs of each: "
        f"{'none' if row['gpus'] == NO_GRES else row['gpus']}, longest job: {row['longest']}"
        for row in slurm["partitions"]
    ]
    ended = "as sacct says" if slurm["accounting"] else "as each job writes itself; the cluster keeps no account of it"
    return [*rows, f"options of each job: {host.sbatch or 'those of the cluster'}", f"how jobs ended: {ended}"]


def _slurm_findings(host: Host, slurm: dict[str, Any] | None) -> list[str]:
    if slurm is None:
        remedy = (
            f"name a login node of the cluster, or give `dints hosts add {host.name} {host.address}` no --scheduler"
        )
        return [f"SLURM's commands were not found; {remedy}"]
    if slurm["missing"]:
        return [f"{', '.join(slurm['missing'])} of SLURM cannot be found; ask the administrator for its clients"]
    if not slurm["partitions"]:
        return ["sinfo names no partition; ask the administrator whether SLURM's controller runs"]
    return []


def install(host: Host, facts: dict[str, Any]) -> Host:
    """Brings this engine and the packages that it needs; returns the host with the Python that has them.

    An environment that the host's Python belongs to is taken; otherwise one is made, as systems guard their own.

    Raises:
        RunError: none can be made, or what is needed cannot be fetched there.
    """
    if reason := _why_not(host, facts):
        raise RunError(f"host {host.name}: {reason}")
    python = host.python
    if not facts["environment"]:
        run_there(host, [host.python, "-m", "venv", ENVIRONMENT])
        python = f"{ENVIRONMENT}/bin/python"
    file = f".dints/{wheel_name()}"
    run_there(host, [python, "-c", RECEIVE, file], wheel())
    run_there(host, [python, "-m", "pip", "install", file])
    return replace(host, python=python)


def _why_not(host: Host, facts: dict[str, Any]) -> str:
    """Why no environment can be made there; "" if it can, or if there is one."""
    if facts["environment"] or facts["venv"]:
        return ""
    given = f"`dints hosts add {host.name} {host.address} --python PATH`"
    return (
        f"{facts['executable']} cannot make an environment; ask the administrator for its venv (Debian and Ubuntu: "
        f"python3-venv), or give another Python with {given}"
    )


def _place(facts: dict[str, Any]) -> str:
    return f"the environment of {facts['executable']}" if facts["environment"] else f"~/{ENVIRONMENT}"

"""The computers that work can be sent to, as the user named them. How to reach them is OpenSSH's own configuration."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from dints.errors import InputError, brief
from dints.files.storage import read_json, write_json

FILE_VARIABLE = "DINTS_HOSTS"
FORMAT = 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
SCHEDULERS = ("none", "slurm")
OWN_OPTIONS = ("--array", "-a", "--wrap", "--wait", "-W", "--test-only", "--dependency", "-d", "--job-name", "-J")
ADDRESS = re.compile(r"[^\s\-\0][^\s\0]*")  # a leading hyphen would be an option of ssh
WITH_PORT = re.compile(r"([^:/]+|.*\]):\d+")  # which ssh takes for a part of the name


@dataclass(frozen=True)
class Host:
    """A computer: `address` is what ssh takes, a host of its configuration or user@host."""

    name: str
    address: str
    python: str = "python3"  # the interpreter there that has the engine
    scheduler: str = SCHEDULERS[0]  # what starts searches and trainings there: nothing but ssh, or a cluster's own
    sbatch: str = ""  # options of each job, as SLURM's sbatch takes them: partition, account, time, GPUs

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise InputError(f"host {brief(self.name)}: a name has letters, digits, dots, hyphens and underscores")
        if not ADDRESS.fullmatch(self.address):
            raise InputError(f"host {self.name}: address {brief(self.address)} is none; give user@host")
        if WITH_PORT.fullmatch(self.address):
            remedy = f"give ssh://{self.address}, or Port in ~/.ssh/config"
            raise InputError(f"host {self.name}: ssh takes no port in {brief(self.address)}; {remedy}")
        if self.scheduler not in SCHEDULERS:
            raise InputError(
                f"host {self.name}: scheduler {brief(self.scheduler)} is not among {', '.join(SCHEDULERS)}"
            )
        self._check_options()

    @property
    def sbatch_options(self) -> list[str]:
        """The words that `sbatch` gets before those of the engine."""
        return shlex.split(self.sbatch)

    def _check_options(self) -> None:
        try:
            options = self.sbatch_options
        except ValueError as error:
            raise InputError(f"host {self.name}: --sbatch {brief(self.sbatch)} has an open quote; close it") from error
        if options and self.scheduler != "slurm":
            raise InputError(f"host {self.name}: --sbatch belongs to --scheduler slurm; give both")
        if options and not options[0].startswith("-"):
            raise InputError(f"host {self.name}: --sbatch {brief(self.sbatch)} begins with no option of sbatch")
        if own := [word for word in options if word.partition("=")[0] in OWN_OPTIONS]:
            raise InputError(f"host {self.name}: {own[0]} of --sbatch is for the engine alone; leave it out")


def hosts_file() -> Path:
    """$DINTS_HOSTS, or .dints/hosts.json in the user's home."""
    return Path(os.environ.get(FILE_VARIABLE) or Path.home() / ".dints" / "hosts.json")


def known_hosts() -> dict[str, Host]:
    """By name, in the order in which they were added. InputError if the file is damaged."""
    path = hosts_file()
    if not path.is_file():
        return {}
    values = read_json(path)
    try:
        if values["format"] != FORMAT:
            raise ValueError(f"format {brief(values['format'])}")
        hosts = [_host(entry) for entry in values["hosts"]]
    except (LookupError, TypeError, ValueError) as error:
        raise InputError(f"{path}: is damaged ({brief(str(error))}); correct it or remove it") from error
    return {host.name: host for host in hosts}


def find_host(name: str) -> Host:
    """InputError if there is none of that name."""
    hosts = known_hosts()
    if name not in hosts:
        known = ", ".join(hosts) or "none"
        raise InputError(f"host {brief(name)}: is unknown (known: {known}); add it with `dints hosts add {name} ...`")
    return hosts[name]


def keep_host(host: Host) -> None:
    """Adds a host, or takes the place of the one of that name."""
    _write(known_hosts() | {host.name: host})


def remove_host(name: str) -> None:
    """Forgets a host; nothing changes there. InputError if there is none of that name."""
    find_host(name)
    _write({other: host for other, host in known_hosts().items() if other != name})


def _host(entry: Any) -> Host:
    host = Host(**entry)
    for field in fields(Host):
        if not isinstance(getattr(host, field.name), str):
            raise ValueError(f"{field.name} of host {brief(host.name)}")
    return host


def _write(hosts: dict[str, Host]) -> None:
    write_json(hosts_file(), {"format": FORMAT, "hosts": [asdict(host) for host in hosts.values()]})

"""What the last check of each host found: shown before it is reached again. Lies beside the list of hosts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dints.errors import InputError
from dints.files.storage import read_json, write_json
from dints.remote.hosts import SCHEDULERS, Host, hosts_file

FILE_NAME = "hosts_seen.json"
SLURM = SCHEDULERS[1]


@dataclass(frozen=True)
class Seen:
    """Of one host: its address then, what computes there, bytes of its memory, and how many GPUs there are.

    Memory and GPUs are 0 of a cluster, whose jobs get those of a node that nobody knows yet.
    """

    address: str
    device: str
    memory: int
    gpus: int


def keep_seen(host: Host, facts: Mapping[str, Any]) -> Seen:
    """Of a check's facts (`dints.remote.probe`): the first GPU, or the processor where there is none."""
    gpus = facts["gpus"]
    device, memory = (gpus[0]["name"], gpus[0]["memory"]) if gpus else ("CPU", facts["memory"])
    found = Seen(host.address, device, memory, len(gpus))
    if host.scheduler == SLURM and facts["slurm"]:  # the login node does not compute
        nodes = [row["gpus"] for row in facts["slurm"]["partitions"] if "gpu" in row["gpus"]]
        found = Seen(host.address, f"SLURM, {nodes[0].partition('(')[0]}" if nodes else "SLURM", 0, 0)
    write_json(hosts_file().with_name(FILE_NAME), _all() | {host.name: asdict(found)})
    return found


def last_seen(host: Host) -> Seen | None:
    """None of a host that was not checked under its address of today."""
    values = _all().get(host.name)
    return Seen(**values) if isinstance(values, dict) and values.get("address") == host.address else None


def _all() -> dict[str, Any]:
    """What cannot be read counts as not seen: the next check writes it anew."""
    path = hosts_file().with_name(FILE_NAME)
    try:
        values = read_json(path) if path.is_file() else {}
    except InputError:
        return {}
    return values if isinstance(values, dict) else {}

"""Runs on the other computer and prints as JSON what it has: sent to its Python, which may be old and lack the engine.

It uses nothing but the standard library of Python 3.
"""

import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys

ANSWER_SECONDS = 5.0  # in which a cluster answers; without its controller SLURM waits for minutes
SLURM = ["sbatch", "squeue", "scancel", "sinfo"]


def main() -> None:
    facts = {
        "python": platform.python_version(),
        "executable": sys.executable,
        "environment": sys.prefix != sys.base_prefix or "CONDA_PREFIX" in os.environ,
        "system": platform.platform(),
        "gpus": gpus(),
        "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "venv": importlib.util.find_spec("ensurepip") is not None,
        "free_disk": shutil.disk_usage(guests()).free,
        "dints": None,
        "slurm": slurm(),
        "findings": [],
    }
    first_line = output([sys.executable, "-m", "dints", "doctor", "--events"]).partition("\n")[0]
    if first_line:
        doctor = json.loads(first_line)["values"]
        facts["findings"] = doctor["findings"]
        facts.update({name: doctor["facts"][name] for name in ("dints", "torch", "gpus") if name in doctor["facts"]})
    print("\n" + json.dumps(facts))  # in a line of its own, whatever a shell printed before


def guests() -> str:
    """The folder that runs are put into (`dints.remote.runs.guest`), or the nearest above it that is there."""
    folder = os.path.abspath(os.environ.get("DINTS_GUESTS") or os.path.expanduser("~/.dints/guests"))
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    return folder


def gpus() -> "list[dict[str, object]]":
    """Names and bytes of memory, as the driver says; PyTorch may not be there yet."""
    lines = output(["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]).splitlines()
    rows = [line.rsplit(", ", 1) for line in lines]
    return [{"name": row[0], "memory": int(row[1]) * 2**20} for row in rows if row[-1].isdecimal()]


def slurm() -> "dict[str, object] | None":
    """What there is of SLURM's commands, partitions and accounting; None without any of it."""
    missing = [name for name in SLURM if shutil.which(name) is None]
    if missing == SLURM:
        return None
    lines = output(["sinfo", "--noheader", "--format=%R|%D|%G|%l|%a"], ANSWER_SECONDS).splitlines()
    partitions = [
        {"name": name, "nodes": nodes, "gpus": gpus, "longest": longest, "state": state}
        for name, nodes, gpus, longest, state in (line.split("|") for line in lines)
    ]
    accounting = bool(output(["sacct", "--allocations"], ANSWER_SECONDS))  # a header at least
    return {"missing": missing, "partitions": partitions, "accounting": accounting}


def output(command: "list[str]", seconds: "float | None" = None) -> str:
    """What a program prints; nothing if it is missing, fails or takes longer."""
    try:
        return subprocess.check_output(command, stderr=subprocess.DEVNULL, timeout=seconds).decode(errors="replace")
    except (OSError, subprocess.SubprocessError):
        return ""


if __name__ == "__main__":
    main()

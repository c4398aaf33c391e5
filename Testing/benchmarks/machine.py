"""What a benchmark ran on, and the memory of its process."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import torch

KIBIBYTE = 2**10


def machine(device: torch.device | None = None) -> dict[str, str | int]:
    """Processor or GPU, cores, threads and versions; nothing that names the computer."""
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    described = {
        "processor": names[0].partition(":")[2].strip() if names else platform.machine(),
        "cores": os.cpu_count() or 1,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "monai": version("monai"),
    }
    if device is not None and device.type == "cuda":
        described["gpu"] = torch.cuda.get_device_name(device)
    return described


def current_memory() -> int:
    """Resident bytes of this process. Linux only, as all of these."""
    return _status("VmRSS")


def peak_memory() -> int:
    """The most resident bytes of this process since it began, or since `reset_peak_memory`."""
    return _status("VmHWM")


def reset_peak_memory() -> None:
    """Forgets the peak so far."""
    Path("/proc/self/clear_refs").write_text("5")


def process_seconds(process: int) -> float:
    """Processor seconds that a process has taken, all threads."""
    # After the name in parentheses, which may hold blanks, come the fields from the third on.
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _status(field: str) -> int:
    """A memory figure of this process from the kernel, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{field}:")).split()[1]) * KIBIBYTE

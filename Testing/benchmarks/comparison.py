"""The same task done by the engine and by the reference implementation, side by side.

Time is taken in one process, in turns, so that whatever else the machine does meets both. Peak memory is taken in a
process for each. On the CPU time is processor time, which other programs disturb least; on a GPU it is wall time.
"""

from __future__ import annotations

import gc
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from machine import current_memory, machine, peak_memory, reset_peak_memory

from dints.device import PRECISION_VARIABLE
from dints.files.storage import write_json

RESULTS = Path(__file__).parent / "results" / "comparisons"
RUN = Path(__file__).parent / "run.py"
OURS, REFERENCE = SIDES = "ours", "reference"
REPETITIONS = 5  # turns of both sides that count
MEBIBYTE = 2**20

Work = Callable[[], Any]


@dataclass(frozen=True)
class Comparison:
    """One task.

    Attributes:
        key: names its result file.
        title: names it in the table.
        prepare: (side, device) to the work that is measured. Both sides do it on the same input, with the same weights.
        agreement: says how the two results agree, or raises AssertionError where they do not.
        faster: the reference must take at least so many times as long.
        memory: our peak memory must be at most this fraction of the reference's; not measured if None.
        seconds: we must take at most so long.
        half: in the precision that the engine chooses itself; otherwise in float32. The reference is float32 on a CPU.
        devices: where the comparison is wanted.
        calls: how many times each side does it in a turn, several where it takes milliseconds: collecting the garbage
            before a turn leaves the processor's caches cold, which takes a millisecond of the first call.
        warm_up: whether a first turn is not counted. What takes minutes does without.
    """

    key: str
    title: str
    prepare: Callable[[str, torch.device], Work]
    agreement: Callable[[Any, Any], str]
    faster: float
    memory: float | None = None
    seconds: float | None = None
    half: bool = False
    devices: tuple[str, ...] = ("cpu",)
    calls: int = 1
    warm_up: bool = True

    def result_file(self, device: str) -> Path:
        return RESULTS / f"{self.key}.{device}.json"


def measure(comparison: Comparison, device: torch.device) -> dict[str, Any]:
    """Measures a comparison and writes its result file."""
    load = os.getloadavg()[0]
    choose_precision(comparison)
    works = {side: comparison.prepare(side, device) for side in SIDES}
    seconds, results = take_turn(comparison, works, device)
    agreement = comparison.agreement(*(results[side] for side in SIDES))
    del results
    turns = [] if comparison.warm_up else [seconds]
    while len(turns) < REPETITIONS:
        turns.append(take_turn(comparison, works, device)[0])
    ratios = [turn[REFERENCE] / turn[OURS] for turn in turns]
    result = {
        "title": comparison.title,
        "device": device.type,
        "clock": "processor seconds" if device.type == "cpu" else "wall seconds",
        "times_faster": {"median": statistics.median(ratios), "lowest": min(ratios), "highest": max(ratios)},
        "seconds": {side: [turn[side] for turn in turns] for side in SIDES},
        "agreement": agreement,
        "targets": {"faster": comparison.faster, "memory": comparison.memory, "seconds": comparison.seconds},
        "machine": {**machine(device), "load_before": load},
    }
    write_json(comparison.result_file(device.type), result)  # what follows may take as long again
    if comparison.memory is not None:
        del works
        peaks = {side: peak_in_a_process(comparison, side, device) for side in SIDES}
        result["peak_mebibytes"] = peaks
        result["memory_fraction"] = peaks[OURS] / peaks[REFERENCE]
        write_json(comparison.result_file(device.type), result)
    return result


def take_turn(
    comparison: Comparison, works: Mapping[str, Work], device: torch.device
) -> tuple[dict[str, float], dict[str, Any]]:
    """Seconds and result of each side."""
    seconds, results = {}, {}
    for side, work in works.items():
        seconds[side], results[side] = timed(work, device, comparison.calls)
    print(comparison.key, *(f"{side} {seconds[side]:.4g} s" for side in SIDES), file=sys.stderr, flush=True)
    return seconds, results


def choose_precision(comparison: Comparison) -> None:
    if comparison.half:
        os.environ.pop(PRECISION_VARIABLE, None)
    else:
        os.environ[PRECISION_VARIABLE] = "full"


def timed(work: Work, device: torch.device, calls: int = 1) -> tuple[float, Any]:
    """Seconds a call, of the clock that fits the device, and the result of the last call."""
    gc.collect()
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    started = clock()
    for _ in range(calls):
        result = work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return (clock() - started) / calls, result


def peak_in_a_process(comparison: Comparison, side: str, device: torch.device) -> float:
    """MiB, see `peak`; in a process of its own."""
    command = [sys.executable, str(RUN), comparison.key, "--device", str(device), "--peak-of", side]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])  # the reference may have printed something before


def peak(comparison: Comparison, side: str, device: torch.device) -> float:
    """MiB that a side takes at most: its network, its input and its work, above what the imported libraries take."""
    choose_precision(comparison)
    if device.type == "cuda":
        comparison.prepare(side, device)()
        return torch.cuda.max_memory_allocated(device) / MEBIBYTE
    reset_peak_memory()
    before = current_memory()
    comparison.prepare(side, device)()
    return (peak_memory() - before) / MEBIBYTE

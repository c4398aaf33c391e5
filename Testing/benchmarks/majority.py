"""What leaving out networks that cannot outvote the others saves and costs: five folds, 512 x 512 x 400, every window.

    python Testing/benchmarks/majority.py

Networks decide by intensity, each a little differently, and take no time of their own: windows and passes are counted,
processor seconds are those of the pipeline. On a ball of 5 % of the volume they agree but for its border; in noise they
disagree everywhere, the worst for memory. Each case runs in a process of its own; memory is the peak above that with
networks and scan. The labels must be those of all networks. The result goes to results/majority.json.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys

import SimpleITK as sitk
import torch
from comparison import MEBIBYTE, timed
from first_look_seconds import ball
from machine import current_memory, machine, peak_memory, reset_peak_memory
from paths import RESULTS
from segment_memory import config, networks
from segment_memory import scan as noise

from dints.files.storage import write_json
from dints.inference.predictor import Predictor

RESULT = RESULTS / "majority.json"
FIVE = "ensemble of five pointwise networks"
SCANS = {"ball": ball, "noise": noise}
SIDES = ("all networks", "a majority first")


def main() -> None:
    cases = {scan: {side: in_a_process(scan, side) for side in SIDES} for scan in SCANS}
    for sides in cases.values():
        assert len({figures.pop("labels") for figures in sides.values()}) == 1, "labels differ"
    write_json(RESULT, {"cases": cases, "machine": machine()})
    print(RESULT.read_text())


def in_a_process(scan: str, side: str) -> dict:
    command = [sys.executable, __file__, scan, side]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measured(scan: str, side: str) -> dict:
    torch.set_num_threads(1)
    predictor = Predictor(networks(FIVE), config(), "cpu")
    predictor.segment([sitk.Image([8, 8, 8], sitk.sitkInt16)])  # what libraries load at first use is no part of it
    image = SCANS[scan]()
    reset_peak_memory()
    before = current_memory()
    exhaustive = side == "all networks"
    seconds, found = timed(lambda: predictor.predict([image], exhaustive=exhaustive), torch.device("cpu"))
    passes = 3 * found.computed + 2 * found.by_all
    return {
        "windows": found.computed,
        "by_all": found.by_all,
        "passes": passes,
        "seconds": round(seconds, 1),
        "mebibytes": round((peak_memory() - before) / MEBIBYTE),
        "labels": hashlib.sha256(sitk.GetArrayViewFromImage(found.labels).tobytes()).hexdigest(),
    }


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        print(json.dumps(measured(*sys.argv[1:])))

"""The whole job on 200 real scans: check, search, two folds, ensemble and evaluation, on the processor.

    python Testing/benchmarks/hippocampus_quick.py --data ../shared/data/Task04_Hippocampus --work runs/hippocampus

It is `dints demo` with the settings of hippocampus_quick.yaml; 20 scans are held out for the ensemble. What it found
and how long it took go to results/hippocampus_quick/. An interrupted run goes on; its time is then that of the rest.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

from machine import machine

from dints.files.storage import read_json, write_json, write_text

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "hippocampus_quick"
HELD_OUT = 20
KEPT = ("search/architecture.json", "search/architecture.svg", "evaluation/scores.csv")
EVERY = 10  # of the rows of the search's log, one is kept


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    options = parser.parse_args()
    command = [sys.executable, "-m", "dints", "demo", "--run", str(options.work), "--data", str(options.data)]
    command += ["--config", str(HERE / "hippocampus_quick.yaml"), "--held-out", str(HELD_OUT), "--folds", "0,1"]
    started = time.monotonic()
    subprocess.run([*command, "--device", "cpu"], check=True)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    write_json(
        RESULTS / "result.json",
        {
            "minutes": round((time.monotonic() - started) / 60, 1),
            "processor_minutes": round((usage.ru_utime + usage.ru_stime) / 60, 1),
            "machine": machine(),
            "search": read_json(options.work / "search" / "summary.json"),
            "cross_validation": all_folds(options.work / "evaluation" / "scores.json"),
            "ensemble_on_held_out_scans": all_folds(options.work / "held_out" / "scores.json"),
        },
    )
    for name in KEPT:
        shutil.copyfile(options.work / name, RESULTS / Path(name).name)
    rows = (options.work / "search" / "log.jsonl").read_text().splitlines()
    kept = [row for number, row in enumerate(rows) if number % EVERY == 0 or number == len(rows) - 1]
    write_text(RESULTS / "log.jsonl", "\n".join(kept) + "\n")
    print((RESULTS / "result.json").read_text())


def all_folds(scores: Path) -> list[dict]:
    """Summary lines over all cases."""
    return [line for line in read_json(scores)["summary"] if line["fold"] is None]


if __name__ == "__main__":
    main()

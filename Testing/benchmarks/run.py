"""Runs all benchmarks, those beside the reference implementation first, and writes the table results/README.md.

    python Testing/benchmarks/run.py                     # what has no result yet
    python Testing/benchmarks/run.py decode five_folds   # these again
    python Testing/benchmarks/run.py --device cuda       # what is wanted from a GPU

A result is written as soon as it is there, so an interrupted run goes on where it was. The paper's architecture and the
hippocampus scans are read from ../shared/data beside the checkout.
"""

from __future__ import annotations

import argparse
import json

import torch
from alone import SUBJECTS
from comparison import SIDES, measure, peak
from comparisons import COMPARISONS
from table import write_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    keys = dict.fromkeys(benchmark.key for benchmark in (*COMPARISONS, *SUBJECTS))
    parser.add_argument("keys", nargs="*", metavar="KEY", help=", ".join(keys))
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--peak-of", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.keys) - keys.keys():
        parser.error(f"{', '.join(sorted(unknown))}: no such benchmark")
    device = torch.device(options.device)
    wanted = [
        comparison
        for comparison in COMPARISONS
        if device.type in comparison.devices
        and (comparison.key in options.keys if options.keys else not comparison.result_file(device.type).exists())
    ]
    if options.peak_of:
        print(json.dumps(peak(wanted[0], options.peak_of, device)))
        return
    for comparison in wanted:
        print(f"{comparison.title}: {json.dumps(measure(comparison, device)['times_faster'])}", flush=True)
        write_table()
    for subject in SUBJECTS if device.type == "cpu" else ():
        if subject.key in options.keys or not (options.keys or subject.result_file.exists()):
            print(f"{subject.title}: {'as wanted' if subject.measure() else 'not as wanted'}", flush=True)
            write_table()
    print(write_table())


if __name__ == "__main__":
    main()

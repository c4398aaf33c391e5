"""Compares the engine with the reference implementation and writes the table results/README.md.

    python Testing/benchmarks/run.py                     # what has no result yet
    python Testing/benchmarks/run.py decode losses       # these again
    python Testing/benchmarks/run.py --device cuda       # what is wanted from a GPU

A result is written as soon as it is there, so an interrupted run goes on where it was. The paper's architecture is read
from ../shared/data beside the checkout.
"""

from __future__ import annotations

import argparse
import json

import torch
from comparison import SIDES, measure, peak
from comparisons import COMPARISONS
from table import write_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("keys", nargs="*", metavar="KEY", help=", ".join(comparison.key for comparison in COMPARISONS))
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--peak-of", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.keys) - {comparison.key for comparison in COMPARISONS}:
        parser.error(f"{', '.join(sorted(unknown))}: no such comparison")
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
    print(write_table())


if __name__ == "__main__":
    main()

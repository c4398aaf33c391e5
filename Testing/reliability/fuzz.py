"""Reads thousands of damaged and malicious files: `python -m Testing.reliability.fuzz` in the repository's folder.

Each target of `fuzzing.targets` gets as many files as `--cases` says, drawn by Hypothesis from `--seed`. Whatever is
neither read nor refused in one sentence, takes longer than 5 s of the processor or waits for a minute, is a failure.
The result goes to `--output`; with the names of targets, only those are run, and the others' results are kept.
"""

from __future__ import annotations

import argparse
import json
import platform
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import torch
from hypothesis import HealthCheck, Phase, given, seed, settings

from .fuzzing.targets import Target, UnhandledError, build_targets

RESULT = Path(__file__).with_name("fuzz.json")
PROCESSOR_SECONDS = 5.0  # that a case may take
WAITING_SECONDS = 60.0  # in which even a busy machine gives it these
LONGEST_QUOTE = 200  # bytes of the slowest case in the result


@dataclass
class Tally:
    """Of one target: cases, how many were refused, seconds of the processor, and what went wrong."""

    seed: int
    cases: int = 0
    refused: int = 0
    seconds: float = 0.0
    slowest_seconds: float = 0.0
    slowest_case: str = ""
    failures: list[str] = field(default_factory=list)

    def run(self, target: Target, content: bytes) -> None:
        """Counts one case; UnhandledError if it fails."""
        started = time.process_time()
        with watched():
            accepted = target.accepts(content)
        seconds = time.process_time() - started
        self.cases += 1
        self.refused += not accepted
        self.seconds += seconds
        if seconds > self.slowest_seconds:
            self.slowest_seconds, self.slowest_case = seconds, repr(content[:LONGEST_QUOTE])


@contextmanager
def watched() -> Iterator[None]:
    """Ends what hangs with an UnhandledError; on Windows, which has no such timers, it only is counted."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(number: int, frame: Any) -> None:
        raise UnhandledError(f"hangs ({signal.Signals(number).name})")

    timers = (
        (signal.ITIMER_PROF, signal.SIGPROF, PROCESSOR_SECONDS),
        (signal.ITIMER_REAL, signal.SIGALRM, WAITING_SECONDS),
    )
    before = [signal.signal(number, stop) for _, number, _ in timers]
    for timer, _, seconds in timers:
        signal.setitimer(timer, seconds)
    try:
        yield
    finally:
        for (timer, number, _), handler in zip(timers, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)


def fuzz(target: Target, cases: int, number: int) -> Tally:
    """Runs a target on so many files, the same for the same number and the same engine."""
    tally = Tally(number)

    @seed(number)
    @settings(
        max_examples=cases,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(target.cases)
    def one(content: bytes) -> None:
        tally.run(target, content)

    try:
        one()
    except UnhandledError as error:
        tally.failures += [str(error), *getattr(error, "__notes__", [])]
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help="their names (default: all)")
    parser.add_argument("--cases", type=int, default=1000, help="of each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=RESULT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    tallies = {}
    with tempfile.TemporaryDirectory() as folder:
        targets = build_targets(Path(folder))
        for name in options.targets or targets:
            tallies[name] = fuzz(targets[name], options.cases, options.seed)
            print(name, tallies[name], file=sys.stderr, flush=True)
    if options.targets and options.output.is_file():
        kept = json.loads(options.output.read_text())["targets"]
        tallies = {name: Tally(**values) for name, values in kept.items()} | tallies
    options.output.write_text(json.dumps(summary(tallies), indent=1) + "\n")
    return any(tally.failures for tally in tallies.values())


def summary(tallies: dict[str, Tally]) -> dict[str, Any]:
    versions = {"python": platform.python_version(), "torch": torch.__version__, "hypothesis": hypothesis.__version__}
    return {
        "cases": sum(tally.cases for tally in tallies.values()),
        "failures": sum(bool(tally.failures) for tally in tallies.values()),
        "slowest_seconds": max(tally.slowest_seconds for tally in tallies.values()),
        "versions": versions,
        "targets": {name: asdict(tally) for name, tally in tallies.items()},
    }


if __name__ == "__main__":
    sys.exit(main())

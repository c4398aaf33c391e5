"""Lets Atheris look for what the targets cannot handle: `python -m Testing.reliability.fuzzing.guided --runs 5000`.

It changes files so that they reach more and more of the engine's lines. Needs `pip install atheris` (3.0 was used); the
project does not depend on it. The result goes to `guided.json`; with the names of targets, only those are run, and the
others' results are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[3]
RESULT = Path(__file__).with_name("guided.json")
MEMORY = 2048  # MiB
LONGEST = 2**16  # bytes of a case


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", help="their names (default: all)")
    parser.add_argument("--runs", type=int, default=5000, help="of each target")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--alone", action="store_true", help="run the one target in this process, which then ends")
    options = parser.parse_args()
    if options.alone:
        explore(options.targets[0], options.runs, options.seed)
    results = {name: explored(name, options.runs, options.seed) for name in options.targets or all_names()}
    kept = json.loads(RESULT.read_text()) if options.targets and RESULT.is_file() else {}
    RESULT.write_text(json.dumps(kept | results, indent=1) + "\n")
    return any(result["failed"] for result in results.values())


def all_names() -> list[str]:
    from .targets import build_targets

    with tempfile.TemporaryDirectory() as folder:
        try:
            return list(build_targets(Path(folder)))
        finally:
            os.chdir(REPOSITORY)


def explored(name: str, runs: int, number: int) -> dict[str, Any]:
    """Runs a target in a process of its own: Atheris ends the process that it runs in."""
    options = [name, "--alone", "--runs", str(runs), "--seed", str(number)]
    started = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-m", "Testing.reliability.fuzzing.guided", *options],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        cwd=REPOSITORY,
    )
    last = [line for line in result.stderr.splitlines() if line.strip()][-40:]
    print(name, result.returncode, *last[-2:], sep="\n", file=sys.stderr, flush=True)
    failed = result.returncode != 0
    seconds = round(time.monotonic() - started)
    return {"seed": number, "runs": runs, "failed": failed, "seconds": seconds, "end": last if failed else last[-1]}


def explore(name: str, runs: int, number: int) -> None:
    """Does not return."""
    import atheris

    with atheris.instrument_imports(include=["dints"]):
        from ..fuzz import watched
        from .targets import build_targets
    with tempfile.TemporaryDirectory() as folder:
        target = build_targets(Path(folder))[name]
        seeds = Path(folder) / "seeds"
        seeds.mkdir()
        for index, content in enumerate(target.seeds):
            (seeds / str(index)).write_bytes(content)

        def one(content: bytes) -> None:
            with watched():  # in place of Atheris' own limit, which counts waiting for the processor
                target.accepts(content)

        limits = {"runs": runs, "seed": number, "timeout": 0, "rss_limit_mb": MEMORY, "max_len": LONGEST}
        atheris.Setup([sys.argv[0], *(f"-{limit}={value}" for limit, value in limits.items()), str(seeds)], one)
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())

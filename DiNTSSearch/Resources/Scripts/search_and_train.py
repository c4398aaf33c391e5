"""Searches, trains and exports a network without a window.

    Slicer --no-main-window --python-script search_and_train.py --data DATA --run RUN [--preset NAME]
        [--hours H] [--model-name NAME] [--folds 0,1] [--device auto] [--set section.key=value ...]
        [--output MODEL.zip]

DATA is a folder with the decathlon's dataset.json, or with images/ and labels/; "demo" generates one in RUN. An
interrupted script goes on where it stopped when it is started again with the same arguments. Ends with 0, or with 1
and one line on what went wrong.
"""

import argparse
import sys
from pathlib import Path

import slicer
from DiNTSSearch import DiNTSSearchLogic

from dints.run_layout import RunLayout
from DiNTSLib.events import Event

DEMO, DEMO_PRESET = "demo", "phantom"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help='folder of the data set, or "demo"')
    parser.add_argument("--run", required=True, type=Path, help="folder of the run")
    parser.add_argument("--preset", default="", help="settings of a task or a YAML file (default: from the data)")
    parser.add_argument(
        "--hours", default="", help="that the run may take, or paper (default: 3 without preset and GPU, else paper)"
    )
    parser.add_argument("--model-name", default="", help="(default: the task's); Qt takes --name for its own")
    parser.add_argument("--folds", help="to train, for example 0,1 (default: all)")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    parser.add_argument("--output", type=Path, help="model file (default: among the installed models)")
    options = parser.parse_args(arguments)
    work(options, DiNTSSearchLogic())


def work(options: argparse.Namespace, logic: DiNTSSearchLogic) -> None:
    """Each stage goes on from what an earlier call left in the run's folder."""
    data, preset = options.data, options.preset
    if data == DEMO:
        data = logic.makeDemoData(options.run, onEvent=tell)["data"]["path"]
        preset = preset or DEMO_PRESET
    layout = RunLayout(options.run)
    if not layout.is_run:
        logic.check(data, options.run, preset, onEvent=tell)
    if not layout.architecture_file.is_file():
        changes = dict(change.split("=", 1) for change in options.set)
        more = {"hours": options.hours, "preset": preset, "device": options.device}
        logic.search(options.run, data=data, changes=changes, **more, onEvent=tell)
    folds = [int(fold) for fold in options.folds.split(",")] if options.folds else None
    logic.retrain(options.run, folds, devices=[options.device], onEvent=tell)
    model = logic.export(options.run, options.model_name, path=options.output, overwrite=True, onEvent=tell)["model"]
    sys.stdout.write(f"{model['name']}: {model['path']}\n")


def tell(event: Event) -> None:
    """Writes what the engine says."""
    if event["event"] == "progress":
        sys.stdout.write(f"{event['stage']}: {event['step']}/{event['total']}\n")
    elif "text" in event:
        sys.stdout.write(f"{event['text']}\n")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (ValueError, OSError, RuntimeError) as error:
        sys.stderr.write(f"{error}\n")
        slicer.util.exit(1)
    else:
        slicer.util.exit(0)

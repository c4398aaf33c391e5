"""Keep a corrected segmentation, let a model learn from all that were kept, and use what came out, without a window:

    Slicer --no-main-window --python-script correct_and_learn.py MODEL FOLDER --add SCAN SEGMENTATION [--add ...]
    Slicer --no-main-window --python-script correct_and_learn.py MODEL FOLDER --improve [--use] [--device cpu]
    Slicer --no-main-window --python-script correct_and_learn.py MODEL FOLDER --back

MODEL is the name of an installed model. FOLDER keeps the corrections; cases have numbers there and no names.
SEGMENTATION is a .seg.nrrd, whose segments are labels by their names. `--improve` prints how the new version compares
with the old one; `--use` installs it, unless it is worse; `--back` returns to the version before. Ends with 0, or with
1 and the reason in one line.
"""

import argparse
import sys
from pathlib import Path

import slicer
from DiNTSSegmentationLib import learning
from DiNTSSegmentationLib.models import ModelEntry, chooseVersion, findModel, installedModels, versionsOf

from dints.errors import InputError


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="correct_and_learn.py")
    parser.add_argument("model")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--add", nargs=2, action="append", default=[], metavar=("SCAN", "SEGMENTATION"))
    parser.add_argument("--improve", action="store_true")
    parser.add_argument("--use", action="store_true")
    parser.add_argument("--back", action="store_true")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args(arguments)
    try:
        model = findModel(options.model)
        for scan, segmentation in options.add:
            add(model, options.folder, scan, segmentation)
        if options.improve:
            improve(model, options)
        if options.back:
            goBack(model)
    except (ValueError, OSError, RuntimeError) as error:  # the engine's own errors, and those of reading and writing
        print(f"correct_and_learn.py: {error}", file=sys.stderr)
        return int(slicer.util.EXIT_FAILURE)
    return int(slicer.util.EXIT_SUCCESS)


def add(model: ModelEntry, folder: Path, scan: str, segmentation: str) -> None:
    """One scan of one channel and its segmentation."""
    volume, node = slicer.util.loadVolume(scan), slicer.util.loadSegmentation(segmentation)
    added = learning.addCorrection([volume], node, model, folder).results["case"]
    print(f"case {added['case']}: {'held out to compare versions' if added['held_out'] else 'to learn from'}")


def improve(model: ModelEntry, options: argparse.Namespace) -> None:
    """Prints the comparison; uses the new version if that was asked for and it is not worse."""
    improvement = learning.improveModel(model, options.folder, device=options.device).results["improvement"]
    print(improvement["sentence"])
    if options.use and improvement["path"]:
        learning.installModel(improvement["path"])
        print(f"in use: {chooseVersion(findModel(Path(improvement['path']).name))}")


def goBack(model: ModelEntry) -> None:
    """The version before the one in use."""
    previous = versionsOf(model, installedModels())[1]
    if previous is None:
        raise InputError(f"{model.title}: is the oldest version that is installed; there is none to go back to")
    print(f"in use: {chooseVersion(previous)}")


if __name__ == "__main__":
    slicer.util.exit(main(sys.argv[1:]))

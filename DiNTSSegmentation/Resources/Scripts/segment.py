"""Segment a file, or every image of a folder, without a window:

    Slicer --no-main-window --python-script segment.py MODEL INPUT OUTPUT [--device cpu] [--quality best]

MODEL is a model file or the name of an installed model. OUTPUT is a segmentation file (.seg.nrrd) for a file, with the
table of volumes beside it (.csv), or a folder for a folder. Ends with 0, or with 1 and the reason in one line.
"""

import argparse
import sys
from pathlib import Path

import slicer
from DiNTSSegmentationLib.logic import DiNTSSegmentationLogic
from DiNTSSegmentationLib.parameters import Quality

from dints.data.formats import image_name
from dints.data.outputs import refuse_replacing
from dints.errors import InputError, RunError
from DiNTSLib.images import readVolume
from DiNTSLib.scene import addVolume

SEGMENTATION_SUFFIX = ".seg.nrrd"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="segment.py")
    parser.add_argument("model")
    parser.add_argument("input", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--quality", type=Quality, default=Quality.STANDARD)
    options = parser.parse_args(arguments)
    work = segmentFolder if options.input.is_dir() else segmentFile
    try:
        work(options)
    except (ValueError, OSError, RuntimeError) as error:  # the engine's own errors, and those of reading and writing
        print(f"segment.py: {error}", file=sys.stderr)
        return int(slicer.util.EXIT_FAILURE)
    return int(slicer.util.EXIT_SUCCESS)


def segmentFolder(options: argparse.Namespace) -> None:
    """Files that are there already are left alone: a second call goes on where a first one was stopped."""
    logic = DiNTSSegmentationLogic()
    logic.segmentFolder(
        options.input, options.output, model=options.model, device=options.device, quality=options.quality
    )


def segmentFile(options: argparse.Namespace) -> None:
    """Writes the segmentation and its statistics."""
    if not options.output.name.endswith(SEGMENTATION_SUFFIX):
        raise InputError(f"{options.output}: must end in {SEGMENTATION_SUFFIX}; choose another name")
    name = options.output.name.removesuffix(SEGMENTATION_SUFFIX)
    statistics = options.output.with_name(f"{name}.csv")
    refuse_replacing([options.output, statistics], [options.input])
    image = readVolume(options.input)  # the file of that name, which Slicer may take for another one
    volume = addVolume(image, image_name(options.input), image.GetScalarRange())
    run = DiNTSSegmentationLogic().segment(
        volume, model=options.model, device=options.device, quality=options.quality, statistics=True
    )
    segmentation = slicer.mrmlScene.GetNodeByID(run.results.segmentation)
    table = slicer.mrmlScene.GetNodeByID(run.results.statistics)
    for node, path in ((segmentation, options.output), (table, statistics)):
        if not slicer.util.saveNode(node, str(path)):
            raise RunError(f"{path} could not be written")


if __name__ == "__main__":
    slicer.util.exit(main(sys.argv[1:]))

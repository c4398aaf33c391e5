"""Segment an image, or every image of a folder, with a model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from dints.commands.options import add_device, fold_list
from dints.config import all_settings
from dints.config.listing import explanation
from dints.data.images import (
    image_name,
    is_dicom_folder,
    is_image,
    naming,
    read_channels,
    refuse_unwritable,
    write_image,
)
from dints.data.plain_folders import image_cases
from dints.errors import InputError
from dints.events import Reporter
from dints.files.storage import remove_leftovers
from dints.model.installed import find_model
from dints.model.model import load_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", required=True, help="model file or folder, or the name of an installed model")
    parser.add_argument(
        "--input",
        type=Path,
        nargs="+",
        required=True,
        help="an image or DICOM folder (several: its channels), or one folder of images",
    )
    parser.add_argument("--output", type=Path, required=True, help="a file, or a folder where the input is one")
    own = "default: the model's own"
    known = all_settings()
    parser.add_argument("--overlap", type=float, help=f"{explanation('inference.overlap')}; {own}")
    parser.add_argument("--mirror", action="store_true", default=None, help=known["inference.mirror"].meaning)
    parser.add_argument(
        "--vote", choices=known["inference.vote"].choices, help=f"{known['inference.vote'].meaning}; {own}"
    )
    parser.add_argument("--folds", type=fold_list, help="use only these networks, for example 0")
    parser.add_argument("--batch-size", type=int, help=f"{explanation('inference.batch_size')}; {own}")
    parser.add_argument("--overwrite", action="store_true", help="segment again what is in the output folder already")
    add_device(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    model = load_model(find_model(arguments.model))
    names = ("overlap", "mirror", "vote", "folds", "batch_size")
    options: dict[str, Any] = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    predictor = model.predictor(arguments.device)
    jobs = _jobs(arguments.input, arguments.output, len(model.manifest.config.task.channels))
    remove_leftovers(jobs[0][1].parent)
    if not arguments.overwrite and _is_folder(arguments.input):
        jobs = [job for job in jobs if not job[1].exists()]
    for number, (images, output) in enumerate(jobs, start=1):
        channels = read_channels(images)
        with naming(images):
            labels = predictor.segment(channels, reporter=reporter, **options)
        write_image(labels, output)
        reporter.progress("cases", number, len(jobs))
        reporter.result("segmentation", input=[str(path) for path in images], path=str(output))


def _is_folder(inputs: list[Path]) -> bool:
    """Whether the input is a folder of images, however many it holds."""
    return len(inputs) == 1 and inputs[0].is_dir() and not is_dicom_folder(inputs[0])


def _jobs(inputs: list[Path], output: Path, channels: int) -> list[tuple[tuple[Path, ...], Path]]:
    """(files of the channels, file to write) of every case."""
    for path in inputs:
        if not path.exists():
            raise InputError(f"{path}: does not exist; check the path")
    if _is_folder(inputs):
        cases = image_cases(inputs[0], channels)
        if not cases:
            raise InputError(f"{inputs[0]}: holds no images; give a folder of images, or an image")
        return [(case.images, output / f"{case.name}.nii.gz") for case in cases]
    file = output if is_image(output) else output / f"{image_name(inputs[0])}.nii.gz"
    refuse_unwritable(file)
    return [(tuple(inputs), file)]

"""Segment an image, or every image of a folder, with a model."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from dints.commands.options import add_device, add_host, fold_list
from dints.config import all_settings
from dints.config.listing import explanation
from dints.data.batch import RESULT_SUFFIX, folder_works
from dints.data.dicom import is_dicom_folder
from dints.data.formats import image_name, is_image, refuse_unwritable
from dints.data.images import naming, read_channels, write_image
from dints.data.outputs import Assignment, refuse_overlap
from dints.errors import InputError, RunError, StorageError, failure, is_out_of_memory
from dints.events import Reporter
from dints.files.storage import remove_leftovers
from dints.inference.predictor import Predictor, PreparedImage
from dints.inference.read_ahead import read_ahead
from dints.model.archive import read_manifest
from dints.model.installed import find_model
from dints.model.model import in_words, load_model
from dints.remote.connection import WorkerEvent
from dints.remote.hosts import find_host
from dints.remote.ssh import UnreachableError
from dints.remote.worker import RemoteWorker, hand_on

Facts = Mapping[str, float | None]  # on a result: of `Model.assessment`, and the `COUNTS`
COUNTS = ("computed", "windows", "bound_holds")  # of `Prediction`
Cases = Generator[Callable[[], Facts], None, None]  # what segments each, one after the other


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
    text = "compute every window, also where the model's safety bound tells that a first look suffices"
    parser.add_argument("--exhaustive", action="store_true", help=text)
    parser.add_argument("--overwrite", action="store_true", help="segment again what is in the output folder already")
    add_device(parser)
    add_host(parser)


def run(arguments: argparse.Namespace, reporter: Reporter) -> None:
    model_path = find_model(arguments.model)
    works = _works(arguments.input, arguments.output, len(read_manifest(model_path).config.task.channels))
    refuse_overlap(works, [model_path])
    remove_leftovers(works[0][1].parent)
    if _is_folder(arguments.input) and not arguments.overwrite:
        works = _missing(works, reporter)
    tasks = _there if arguments.on else _here
    with closing(tasks(works, arguments, reporter)) as cases:
        _segment_all(works, cases, _is_folder(arguments.input), reporter)


def _segment_all(
    works: list[Assignment], cases: Iterable[Callable[[], Facts]], go_on: bool, reporter: Reporter
) -> None:
    """Segments case by case.

    Args:
        cases: what segments each of `works`, and returns what is known of the result.
        go_on: leaves out what fails, and fails in the end.
    """
    failures = []
    for number, ((images, output), segment) in enumerate(zip(works, cases, strict=True), start=1):
        try:
            facts = segment()
        except (InputError, RuntimeError, MemoryError) as error:
            own = isinstance(error, InputError | RunError) or is_out_of_memory(error)
            if not go_on or not own or isinstance(error, StorageError | UnreachableError):  # which stop all
                raise
            failures.append(failure(error)[0])
            reporter.warning(f"left out: {failures[-1]}")
            reporter.progress("cases", number, len(works))
        else:
            reporter.progress("cases", number, len(works))
            files = {"input": [str(path) for path in images], "path": str(output)}
            reporter.message(f"{output}: {in_words(facts)}")
            reporter.result("segmentation", **files, **facts)
    if failures:
        raise RunError(f"{len(failures)} of {len(works)} scans were not segmented: {'; '.join(failures)}")


def _here(works: list[Assignment], arguments: argparse.Namespace, reporter: Reporter) -> Cases:
    model = load_model(find_model(arguments.model))
    if model.why_every_window and not arguments.exhaustive:
        reporter.message(f"{model.path}: has no safety bound, so every window is computed: {model.why_every_window}")
    predictor, options = model.predictor(arguments.device), _options(arguments)
    predictor.refuse_options(**options)

    def segment(images: Sequence[Path], output: Path, prepared: Callable[[], tuple[PreparedImage, list[str]]]) -> Facts:
        image, remarks = prepared()
        for remark in remarks:
            reporter.warning(remark)
        with naming(images):
            prediction = predictor.predict(image, reporter=reporter, confidence=True, **options)
        write_image(prediction.labels, output)
        return model.assessment(prediction.confidence) | {name: getattr(prediction, name) for name in COUNTS}

    for (images, output), prepared in read_ahead(works, lambda work: _prepared(predictor, work[0])):
        yield partial(segment, images, output, prepared)


def _there(works: list[Assignment], arguments: argparse.Namespace, reporter: Reporter) -> Cases:
    host, model = find_host(arguments.on), str(find_model(arguments.model))

    def segment(worker: RemoteWorker, images: Sequence[Path], output: Path) -> Facts:
        facts: dict[str, float | None] = {}
        tell = hand_on(reporter)

        def on_event(event: WorkerEvent) -> None:
            tell(event)
            if event["event"] == "result":
                values = event["values"]
                facts.update(values["assessment"] | {name: values[name] for name in COUNTS})

        job = {"command": "segment", "model": model, "inputs": [str(path) for path in images], "output": str(output)}
        with naming(images):
            worker.run(job | {"device": arguments.device, "options": _options(arguments)}, on_event)
        return facts

    with RemoteWorker(host) as worker:
        for images, output in works:
            yield partial(segment, worker, images, output)


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Keyword arguments of `Predictor.predict`."""
    names = ("overlap", "mirror", "vote", "folds", "batch_size")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    return given | {"exhaustive": arguments.exhaustive}


def _prepared(predictor: Predictor, images: Sequence[Path]) -> tuple[PreparedImage, list[str]]:
    """A case up to its networks, and what there is to say of its files."""
    remarks: list[str] = []
    channels = read_channels(images, remarks.append)
    with naming(images):
        return predictor.prepare(channels), remarks


def _missing(works: list[Assignment], reporter: Reporter) -> list[Assignment]:
    """Those whose result is not there yet."""
    missing = [work for work in works if not work[1].exists()]
    if len(missing) < len(works):
        there = len(works) - len(missing)
        reporter.message(f"{there} of {len(works)} are segmented already; --overwrite segments them again")
    return missing


def _is_folder(inputs: list[Path]) -> bool:
    """Whether the input is a folder of images, however many it holds."""
    return len(inputs) == 1 and inputs[0].is_dir() and not is_dicom_folder(inputs[0])


def _works(inputs: list[Path], output: Path, channels: int) -> list[Assignment]:
    """What is read and what is written, case by case."""
    for path in inputs:
        if not path.exists():
            raise InputError(f"{path}: does not exist; check the path")
    if _is_folder(inputs):
        return folder_works(inputs[0], output, channels)
    return [(tuple(inputs), _file(inputs, output))]


def _file(inputs: list[Path], output: Path) -> Path:
    """The file for one image; a name with a suffix that is no folder's must be one of an image."""
    if output.is_dir() or (not output.suffix and not is_image(output)):
        return output / f"{image_name(inputs[0])}{RESULT_SUFFIX}"
    refuse_unwritable(output)
    return output

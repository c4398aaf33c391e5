"""Reads every case before anything is trained and lists all that is wrong with a data set at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from dints.config.ignored import IGNORED_NAME
from dints.data.agreement import problems_among
from dints.data.cases import Case, Problem
from dints.data.datalist import DataList, data_folds
from dints.data.facts import PERCENTILES, CaseFacts, ChannelFacts
from dints.data.grid import Grid
from dints.data.images import NUMBER_REMEDY, count_unusable, given_twice, read_image, split_channels, usable
from dints.data.label_values import value_problems
from dints.data.notes import notes
from dints.data.placement import geometry_difference
from dints.data.segments import blank, name_problems, read_named_label
from dints.errors import InputError
from dints.events import Reporter

PERCENTILE_VOXELS = 1_000_000  # at most so many, evenly chosen, are sorted: enough for three digits of a percentile
SMALLEST_TRAINING_SET = 2  # the search trains weights on one half and the architecture on the other
NAMED_VALUES = 5  # of undeclared label values, so many are named


@dataclass(frozen=True)
class CheckResult:
    """All problems, in the order of the listing, facts of the cases with and without label, and what was taken how."""

    problems: tuple[Problem, ...]
    cases: tuple[CaseFacts, ...]
    notes: tuple[str, ...] = ()  # sentences on what could have been meant otherwise

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that prevent training."""
        return tuple(problem for problem in self.problems if problem.severity == "error")

    def refuse_errors(self, listing: str) -> None:
        """InputError with the first error, if there is one; `listing` says where all of them are listed."""
        if self.errors:
            others = f" (1 of {len(self.errors)} problems, {listing})" if len(self.errors) > 1 else ""
            raise InputError(f"{self.errors[0]}{others}")

    def to_mapping(self) -> dict[str, Any]:
        """Plain dicts and lists, as JSON holds them."""
        return asdict(self)

    @staticmethod
    def from_mapping(values: Any, source: str) -> CheckResult:
        """Inverse of `to_mapping`, also after JSON. InputError if it is something else."""
        try:
            cases = [_facts_from_mapping(case) for case in values["cases"]]
            problems = [Problem(**problem) for problem in values["problems"]]
            sentences = tuple(map(str, values.get("notes", ())))
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise InputError(f"{source}: is not what a check leaves; run `dints check` anew") from error
        return CheckResult(tuple(problems), tuple(cases), sentences)


def _facts_from_mapping(values: Mapping[str, Any]) -> CaseFacts:
    x, y, z = values["size"]
    along_x, along_y, along_z = values["spacing"]
    channels = []
    for channel in values["channels"]:
        inside = channel["foreground_percentiles"]
        percentiles = {
            "percentiles": tuple(channel["percentiles"]),
            "foreground_percentiles": None if inside is None else tuple(inside),
        }
        channels.append(ChannelFacts(**{**channel, **percentiles}))
    volumes = {int(value): float(volume) for value, volume in values["label_volumes"].items()}
    return CaseFacts(values["name"], (x, y, z), (along_x, along_y, along_z), tuple(channels), volumes)


def check(datalist: DataList, folds: int, reporter: Reporter | None = None, seed: int = 0) -> CheckResult:
    """Reads all images and labels of a data set. What is wrong with an unlabelled case is a warning only."""
    reporter = reporter or Reporter()
    problems, facts = list(datalist.problems), []
    cases = datalist.cases + datalist.unlabelled
    for index, case in enumerate(cases):
        found, case_facts = check_case(case, datalist.channels, datalist.labels, datalist.ignored)
        problems += found if case.label else [replace(problem, severity="warning") for problem in found]
        facts += [case_facts] if case_facts else []
        reporter.progress("check", index + 1, len(cases), problems=len(problems))
    problems += name_problems(datalist.cases, datalist.labels)
    damaged = {problem.case for problem in problems if problem.severity == "error"}
    problems += _fold_problems(datalist, folds, seed, facts, damaged)
    problems += value_problems(datalist, facts, bool(damaged))
    problems += problems_among([*datalist.cases, *datalist.unlabelled], facts)
    return CheckResult(tuple(problems), tuple(facts), tuple(notes(datalist)))


def check_case(
    case: Case, channels: Sequence[str], labels: dict[int, str], ignored: Sequence[int] = ()
) -> tuple[list[Problem], CaseFacts | None]:
    """Problems of one case, and its facts where at least one image can be read; `ignored` values are no label."""
    images, problems = _read_images(case, channels)
    label, found = _read_label(case.label, images, case.images[0], labels, ignored)
    known = {problem.reason for problem in problems if problem.severity == "warning"}
    problems += [problem for problem in found if problem.reason not in known]  # image and label often share a header
    problems = [replace(problem, case=case.name) for problem in problems]
    if not images:
        return problems, None
    grid = Grid.of(images[0])
    voxel = float(np.prod(grid.spacing))
    values, counts = np.unique(label, return_counts=True) if label is not None else ((), ())
    facts = CaseFacts(
        name=case.name,
        size=grid.crop_shape,
        spacing=grid.oriented_spacing,
        channels=tuple(_channel_facts(sitk.GetArrayViewFromImage(image), label) for image in images),
        label_volumes={int(value): int(n) * voxel for value, n in zip(values, counts, strict=True) if value != 0},
    )
    return problems, facts


def _read_images(case: Case, channels: Sequence[str]) -> tuple[list[sitk.Image], list[Problem]]:
    """All channels that can be read, and what is wrong with them."""
    images: list[sitk.Image] = []
    problems = [_problem(case.images[0], sentence, "warning") for sentence in given_twice(case.images)]
    for path in case.images:
        remarks: list[str] = []
        try:
            volumes = split_channels(read_image(path, remarks.append), str(path))
            unusable = count_unusable(path, volumes)
        except InputError as error:
            problems.append(_problem(path, str(error)))
            continue
        problems += [_problem(path, remark, "warning") for remark in remarks]
        problems += _grid_problems(path, volumes[0], images[0] if images else None, case.images[0])
        problems += _intensity_problems(path, [sitk.GetArrayViewFromImage(volume) for volume in volumes], unusable)
        images += volumes
    if len(images) != len(channels) and len(images) >= len(case.images):
        reason = f"has {len(images)} channels instead of {len(channels)} ({', '.join(channels)})"
        problems.append(Problem(str(case.images[0]), reason, "add the missing channels or correct their declaration"))
    return images, problems


def _grid_problems(path: Path, image: sitk.Image, first: sitk.Image | None, first_path: Path) -> list[Problem]:
    problems = []
    if min(image.GetSize()) == 1:
        problems.append(Problem(str(path), "has a single slice", "give a 3D volume"))
    if first is not None and (difference := geometry_difference(first, image)):
        remedy = "resample one channel to the grid of the other"
        problems.append(Problem(str(path), f"{difference} as in {first_path.name}", remedy))
    return problems


def _intensity_problems(path: Path, volumes: Sequence[np.ndarray], unusable: int) -> list[Problem]:
    if unusable:
        return [Problem(str(path), f"has {unusable} voxels that are NaN or infinite", NUMBER_REMEDY)]
    remedy = "make sure that the right volume was exported"
    return [
        Problem(str(path), f"has the same intensity {voxels.min()} everywhere", remedy, "warning")
        for voxels in volumes
        if voxels.min() == voxels.max()
    ]


def _read_label(
    path: Path | None,
    images: Sequence[sitk.Image],
    image_path: Path,
    labels: dict[int, str],
    ignored: Sequence[int],
) -> tuple[np.ndarray | None, list[Problem]]:
    """Voxels [Z, Y, X] of the label, if it lies on the grid of the image, and what is wrong with it.

    Ignored voxels are background here.
    """
    if path is None:
        return None, []
    remarks: list[str] = []
    try:
        named = labels | dict.fromkeys(ignored, IGNORED_NAME)
        label = read_named_label(path, named, images[0] if images else None, remarks.append)
    except InputError as error:
        return None, [_problem(path, str(error))]
    voxels = sitk.GetArrayFromImage(blank(label, ignored))
    problems = [_problem(path, remark, "warning") for remark in remarks]
    difference = geometry_difference(images[0], label) if images else ""
    if difference:
        remedy = "resample the label to the grid of the image"
        problems.append(Problem(str(path), f"{difference} as in {image_path.name}", remedy))
    undeclared = [int(value) for value in np.unique(voxels) if value not in labels]
    if undeclared:
        shown = ", ".join(map(str, undeclared[:NAMED_VALUES])) + (", ..." if len(undeclared) > NAMED_VALUES else "")
        reason = f"holds {shown}, outside the declared labels {', '.join(map(str, labels))}"
        problems.append(Problem(str(path), reason, "declare these values or correct the label"))
    if not voxels.any():
        problems.append(Problem(str(path), "is empty", "make sure that nothing is to be labelled there", "warning"))
    elif voxels.all() and not difference:
        problems.append(Problem(str(path), "holds no background", "make sure that all is to be labelled", "warning"))
    return None if difference else voxels, problems


def _channel_facts(voxels: np.ndarray, label: np.ndarray | None) -> ChannelFacts:
    """Of the finite voxels [Z, Y, X]; a channel on another grid than the label has no foreground."""
    finite = usable(voxels)
    foreground = voxels[(label > 0) & finite] if label is not None and label.shape == voxels.shape else voxels[:0]
    voxels = voxels[finite]
    return ChannelFacts(
        lowest=float(voxels.min()) if voxels.size else 0.0,
        highest=float(voxels.max()) if voxels.size else 0.0,
        whole=bool(np.array_equal(voxels, np.floor(voxels))),
        percentiles=_percentiles(voxels) or (0.0,) * len(PERCENTILES),
        foreground_percentiles=_percentiles(foreground),
    )


def _percentiles(voxels: np.ndarray) -> tuple[float, ...] | None:
    if not voxels.size:
        return None
    step = -(-voxels.size // PERCENTILE_VOXELS)
    return tuple(np.percentile(voxels[::step], PERCENTILES).tolist())


def _fold_problems(
    datalist: DataList, folds: int, seed: int, facts: Sequence[CaseFacts], damaged: Collection[str | None]
) -> list[Problem]:
    names = [case.name for case in datalist.cases if case.name not in datalist.held_out]
    folds = len(datalist.folds) or folds
    held_back = tuple(tuple(name for name in fold if name in set(names)) for fold in datalist.folds)
    if len(names) >= folds and not held_back:
        held_back = tuple(validation for _, validation in data_folds(names, folds, seed, datalist.dealt))
    if not held_back or not all(held_back) or len(names) - max(map(len, held_back)) < SMALLEST_TRAINING_SET:
        reason = f"has {len(names)} cases with labels, too few for {folds} folds"
        remedy = f"add cases or use fewer folds (each needs {SMALLEST_TRAINING_SET} cases to train and one to validate)"
        return [Problem(str(datalist.folder), reason, remedy)]
    labelled = {case.name for case in facts if case.label_volumes}
    return [
        Problem(
            str(datalist.folder),
            f"fold {number} is validated on {_some(sorted(names))} alone, in which nothing is labelled: no validation "
            "tells which network is best, and the last one is kept",
            "use fewer folds, another training.seed, or add labelled cases",
            "warning",
        )
        for number, names in enumerate(held_back)
        if labelled and not (labelled | set(damaged)) & set(names)
    ]


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED_VALUES])
    return f"{shown}, ..." if len(names) > NAMED_VALUES else shown


def _problem(path: Path, sentence: str, severity: str = "error") -> Problem:
    """A sentence of a reader, "file: reason; remedy", as a problem."""
    reason, _, remedy = sentence.removeprefix(f"{path}: ").partition("; ")
    return Problem(str(path), reason, remedy, severity)

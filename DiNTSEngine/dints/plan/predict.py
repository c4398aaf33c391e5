"""Seconds of each stage of a run, from what was measured and from its settings. Nothing is measured or read here.

Stages have the names under which they report their progress.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

from dints.config import Config
from dints.events import Course
from dints.geometry import Size
from dints.inference.first_look import WAYS, look_windows
from dints.inference.sliding_window import flips_of
from dints.inference.tiling import Tiling
from dints.inference.window_grid import count_windows, stride_of
from dints.plan.extents import Extent
from dints.plan.timings import Timings
from dints.search.candidates import PRICES, from_zoo
from dints.search.race import NEAR_STAGE, STAGE, near_settings, plan_heats, steps_of
from dints.training.schedule import scaled

CHECK, CACHE, SEARCH = "check", "preprocess", "search"
RACE, RACE_OF_NEIGHBOURS = STAGE, NEAR_STAGE
FOLDS_BEFORE_SEARCH = 1  # the search sees the training cases of one fold

Stages = dict[str, float]
"""Seconds by stage, in the order of the run."""


def search_stage(number: int) -> str:
    """The stage of a search; those of further seeds count from 2."""
    return f"{SEARCH} {number}" if number > 1 else SEARCH


def training_stage(fold: int) -> str:
    """The stage in which a fold is trained."""
    return f"train fold {fold}"


def evaluation_stage(fold: int) -> str:
    """The stage in which a fold is segmented and scored."""
    return f"evaluate fold {fold}"


def predict(config: Config, cases: Sequence[Extent], timings: Timings, given: bool = False) -> Stages:
    """Seconds of all stages of a run, on one device.

    Args:
        cases: the labelled ones that search and training may see.
        given: whether the architecture is there, so that nothing is searched.
    """
    voxels = sum(case.voxels for case in cases)
    stages: Stages = {CHECK: voxels * timings.check, CACHE: voxels * timings.cache}
    if not given:
        searches = range(1, 1 + (config.race.seeds if config.race.enabled else 1))
        stages |= {search_stage(number): search_seconds(config, timings) for number in searches}
        stages |= race_seconds(config, cases, timings) if config.race.enabled else {}
    folds = range(config.training.folds)
    stages |= {training_stage(fold): fold_seconds(config, cases, timings) for fold in folds}
    evaluation = evaluation_seconds(config, cases, timings) / len(folds)
    return stages | {evaluation_stage(fold): evaluation for fold in folds}


def search_seconds(config: Config, timings: Timings) -> float:
    """Every step learns weights, those after the rest at the start the architecture as well (3.6)."""
    settings = config.search
    architecture_steps = settings.iterations - round(scaled(settings.weights_only, settings))
    return settings.iterations * timings.weights_step + architecture_steps * timings.architecture_step


def courses(config: Config, timings: Timings) -> dict[str, Course]:
    """Of the searches, whose steps take longer once the architecture learns as well."""
    resting = min(1.0, scaled(config.search.weights_only, config.search) / config.search.iterations)
    late = timings.architecture_step / (timings.weights_step or 1.0)
    searches = range(1, 1 + config.race.seeds)
    return {search_stage(number): partial(_search_course, resting, late) for number in searches}


def _search_course(resting: float, late: float, share: float) -> float:
    """Which share of a search's seconds has passed after a share of its steps.

    Args:
        resting: share of the steps in which the architecture rests.
        late: what a step takes beyond that, as a share of a step before.
    """
    return (share + late * max(0.0, share - resting)) / (1 + late * (1 - resting))


def training_courses(config: Config, timings: Timings, stages: Mapping[str, float]) -> dict[str, Course]:
    """Of the folds, whose validations take all of their time after single steps.

    Args:
        stages: seconds, as `predict` gives them.
    """
    settings, found = config.training, dict[str, Course]()
    for stage in map(training_stage, range(settings.folds)):
        if seconds := stages.get(stage):
            validating = max(0.0, 1 - settings.iterations * timings.training_step / seconds)
            found[stage] = partial(_training_course, settings.iterations, settings.validate_every, validating)
    return found


def _training_course(iterations: int, every: int, validating: float, share: float) -> float:
    """Which share of a fold's seconds has passed after a share of its steps; the last one is always validated.

    Args:
        every: steps from one validation to the next.
        validating: share of the seconds that validations take.
    """
    done = round(share * iterations)
    made = math.ceil(iterations / every) if done >= iterations else done // every
    return (1 - validating) * share + validating * made / math.ceil(iterations / every)


def race_seconds(config: Config, cases: Sequence[Extent], timings: Timings) -> Stages:
    """Of the race among all proposals and of that near its leader, if no two candidates are the same."""
    race = config.race
    supernets, zoo = race.seeds * (1 + race.moments), len(list(from_zoo(config.sampling.patch))) if race.zoo else 0
    proposals = len(PRICES) * supernets + config.search.levels - 1 + race.random + race.unet + zoo
    heats = {RACE: plan_heats(proposals, race)}
    if race.neighbours:
        heats[RACE_OF_NEIGHBOURS] = plan_heats(race.neighbours + 1, near_settings(race))
    seen = len(cases) * (1 - FOLDS_BEFORE_SEARCH / config.training.folds) / 2
    validation = min(seen, float(race.validation_cases or math.inf)) * validation_seconds(config, cases, timings)
    return {
        stage: steps_of(own) * timings.training_step + sum(size for size, _ in own) * validation
        for stage, own in heats.items()
    }


def fold_seconds(config: Config, cases: Sequence[Extent], timings: Timings) -> float:
    """Steps of one fold, and validations on its part of the cases."""
    settings = config.training
    validations = math.ceil(settings.iterations / settings.validate_every)
    count = min(len(cases) / settings.folds, settings.validation_cases or math.inf)
    once = count * validation_seconds(config, cases, timings)
    return settings.iterations * timings.training_step + validations * once


def validation_seconds(config: Config, cases: Sequence[Extent], timings: Timings) -> float:
    """Of a mean case, segmented while training."""
    stride = stride_of(config.sampling.patch, config.training.validation_overlap)
    return windows(config, cases, timings, stride) / len(cases) * timings.window


def evaluation_seconds(config: Config, cases: Sequence[Extent], timings: Timings) -> float:
    """Every case is read, segmented by the network that has not seen it, looked at for the safety bound, and scored."""
    inference, patch = config.inference, config.sampling.patch
    flips = len(flips_of(config.mirrored_axes)) if inference.mirror else 1
    segmenting = windows(config, cases, timings, inference.stride or stride_of(patch, inference.overlap))
    voxels = sum(case.voxels for case in cases)
    looking = _first_looks(config, cases, timings)
    return (segmenting * flips + looking) * timings.window + voxels * (timings.cache + timings.score)


def _first_looks(config: Config, cases: Sequence[Extent], timings: Timings) -> int:
    """Windows of the first looks at the cases in which they would pay."""
    patch, total = config.sampling.patch, 0
    tiling = Tiling.of(config.inference, patch, config.training.folds)
    for case in cases:
        shape = case.working_shape(config.preprocessing.spacing, timings.cropped)
        paying = (way.scale for way in WAYS if way.alone and way.is_worth_it(shape, tiling))
        total += sum(look_windows(shape, patch, scale) for scale in paying)
    return total


def windows(config: Config, cases: Sequence[Extent], timings: Timings, stride: Size) -> int:
    """Of all cases, without what is cropped."""
    shapes = [case.working_shape(config.preprocessing.spacing, timings.cropped) for case in cases]
    return sum(count_windows(shape, config.sampling.patch, stride) for shape in shapes)

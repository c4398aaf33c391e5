"""Did the search pay? The searched network against others of the same memory, trained alike on the user's own folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dints.cost.complexity import Summary
from dints.cost.memory import retraining_cost
from dints.errors import InputError, RunError
from dints.evaluation.cross_validation import score_fold
from dints.evaluation.evaluate import ScoreRow, Statistic, case_means, write_scores
from dints.evaluation.paired import FEWEST_CASES, PairedDifference, paired_difference
from dints.events import Reporter
from dints.files.storage import write_json
from dints.run import Run
from dints.search.candidates import Fitter, Proposal, plain, random_ones, u_shapes
from dints.search.loop import SEARCH_FOLD
from dints.search.race import Candidate
from dints.space.network import build_network
from dints.training.checkpoint import restoring
from dints.training.device_tasks import Task, run_on_devices
from dints.training.retrain import FoldTrainer
from dints.training.step import UntrainableError, blamed_on_network
from dints.zoo.catalogue import AnyDesign, find_design, read_design, require_fit
from dints.zoo.unet_design import NAME as UNET
from dints.zoo.unet_design import UNetDesign

SEARCHED = "searched"  # the run's own network; also the caption of one that is
NOT_SEARCHED = "the run's own"  # the caption of one that was given
RANDOM = "random"
GIVEN = "given"
FORMAT = 1


@dataclass(frozen=True)
class Line:
    """One network of the table: its scores by case, and how it differs from the searched one."""

    contestant: Candidate
    cost: Summary
    rows: tuple[ScoreRow, ...]
    difference: PairedDifference | None  # searched minus this one, of the mean Dice of a case; None for itself
    failure: str = ""  # why it cannot be trained; it has neither scores nor a difference then

    @property
    def dice(self) -> float:
        """Mean over cases and labels; NaN for one that failed."""
        return Statistic.of(own["dice"] for own in case_means(self.rows).values()).mean


def compare(
    run: Run,
    folds: Sequence[int],
    devices: Sequence[torch.device],
    random: int,
    reporter: Reporter,
    given: Sequence[str] = (),
) -> list[Line]:
    """Trains what is missing, scores all on the folds' validation cases, and writes the table into the run.

    Args:
        random: how many random architectures take part.
        given: further architectures, by name of the zoo or file: what was found on other data, for example.

    Raises:
        InputError: there is no architecture yet, the searched one was not trained on all of the folds or not from
            random weights, a given one is not found or does not fit, or one was trained as another before.
        RunError: none of the others could be trained.
    """
    if run.start:
        raise InputError(f"{run.folder}: was started from a model, so others would not be trained alike; use a new run")
    missing = sorted(set(folds) - set(run.trained_folds))
    if missing:
        names = ",".join(map(str, missing))
        raise InputError(f"{run.folder}: folds {names} are not trained; `dints train --run {run.folder}` first")
    lineup = _lineup(run, random, given, reporter)
    run.cache(reporter)  # once, and not by every process
    searched, *others = lineup
    own = _scores(run, searched, folds, devices[0], reporter)
    lines = [Line(searched, _cost(run, searched), own, None)]
    lines += [_line(run, other, folds, devices, _dice(own), reporter) for other in others]
    found = to_mapping(lines, folds)
    write_json(run.compare_file, found)
    reporter.result("compare", path=str(run.compare_file), failed=found["failed"])
    if others and all(line.failure for line in lines[1:]):
        raise RunError(f"none of the networks to compare with could be trained, as warned of: {lines[1].failure}")
    return lines


def contestants(run: Run, random: int, given: Sequence[str] = ()) -> list[Candidate]:
    """The run's own network, and at its memory the 3D U-Net, U shapes, random architectures and those of `given`.

    InputError if two of these have one name, as each is trained in a folder of its name, or the run's patches cannot
    pass through one.
    """
    config, stems = run.config, [Path(name).stem for name in given]
    if twice := next((name for name, stem in zip(given, stems, strict=True) if stems.count(stem) > 1), None):
        raise InputError(f"{twice}: another one that is compared has the name {Path(twice).stem}, too; rename its file")
    caption = SEARCHED if run.summary_file.is_file() else NOT_SEARCHED
    searched = Candidate(SEARCHED, caption, _with_filters(run))
    space = config.search.space
    fit = Fitter(config, _cost(run, searched).training_memory)
    others: list[Proposal] = [
        (UNET, "3D U-Net", UNetDesign.beside(space)),
        *u_shapes(space),
        *random_ones(space, random, config.search.seed),
        *((_given_name(name), stem, find_design(name, space)) for name, stem in zip(given, stems, strict=True)),
    ]
    for name, _, design in others:
        try:
            require_fit(design, config.sampling.patch)
        except InputError as error:
            raise InputError(f"{name}: {error}, or compare without it") from error
    own = plain(searched.design)
    return [searched, *(one for one in fit(others) if plain(one.design) != own)]


def verdict(lines: Sequence[Line], folds: Sequence[int] = ()) -> str:
    """The honest sentence: whether the search paid, if there was one, against the best of each kind.

    Against another one, too, from which the searched network stands out less. Of `folds`, those are named whose
    validation cases the search learned from: there they are not new to its network alone.
    """
    others = [line for line in lines if line.difference]
    random = [line for line in others if line.contestant.name.startswith(RANDOM)]
    given = [line for line in others if line.contestant.name.startswith(GIVEN)]
    drawn = [line for line in others if line not in (*random, *given)]
    parts = [
        *_standing(random, "the best random one"),
        *_standing(drawn, "the best one drawn by hand"),
        *_standing(given, "the best given one"),
    ]
    verdicts = {line.difference.verdict for line in others if line.difference}
    start = "The search paid" if verdicts == {"better"} else "Whether the search paid is not clear"
    start = "The search did not pay" if "worse" in verdicts else start
    start += ": the searched network"
    if lines[0].contestant.origin != SEARCHED:
        start = "Nothing was searched: the network that was given to the run"
    sentences = [f"{start} is {' and '.join(parts)}." if parts else "Nothing to compare with."]
    fewest = min((line.difference.cases for line in others if line.difference), default=FEWEST_CASES)
    if fewest < FEWEST_CASES:
        sentences.append(f"Networks are told apart by {FEWEST_CASES} cases or more, and not by {fewest}.")
    if failed := [line.contestant.origin for line in lines if line.failure]:
        sentences.append(f"Could not be trained: {', '.join(failed)}.")
    known = [str(fold) for fold in folds if fold != SEARCH_FOLD]
    if known and parts and lines[0].contestant.origin == SEARCHED:
        sentences.append(f"The search learned from validation cases of fold {', '.join(known)}, the others did not.")
    return " ".join(sentences)


def to_mapping(lines: Sequence[Line], folds: Sequence[int]) -> dict[str, Any]:
    """Plain values for JSON."""
    return {
        "format": FORMAT,
        "folds": list(folds),
        "verdict": verdict(lines, folds),
        "networks": [
            {
                "name": line.contestant.name,
                "caption": line.contestant.origin,
                "filters": line.contestant.design.filters,
                "cost": asdict(line.cost),
                "dice": line.dice,
                "difference": line.difference and {**asdict(line.difference), "verdict": line.difference.verdict},
            }
            for line in lines
            if not line.failure
        ],
        "failed": [
            {"name": line.contestant.name, "caption": line.contestant.origin, "reason": line.failure}
            for line in lines
            if line.failure
        ],
    }


def _lineup(run: Run, random: int, given: Sequence[str], reporter: Reporter) -> list[Candidate]:
    """All contestants, each with its folder."""
    lineup = contestants(run, random, given)
    for name in sorted({_given_name(one) for one in given} - {contestant.name for contestant in lineup}):
        reporter.warning(f"{name}: takes no part: it is one of the others, or not even one filter fits their memory")
    for contestant in lineup[1:]:
        _claim_folder(run, contestant)
    return lineup


def _line(
    run: Run,
    contestant: Candidate,
    folds: Sequence[int],
    devices: Sequence[torch.device],
    searched: Mapping[str, float],
    reporter: Reporter,
) -> Line:
    """Trains and scores one network beside the searched one, whose Dice of each case is given.

    One that cannot be trained says so in its line: the others go on.
    """
    cost, work = _cost(run, contestant), [partial(_train, run.folder, contestant, fold) for fold in folds]
    tasks = [Task(f"{contestant.name}, fold {fold}", one) for fold, one in zip(folds, work, strict=True)]
    try:
        run_on_devices(tasks, devices, reporter)
        with blamed_on_network():
            rows = _scores(run, contestant, folds, devices[0], reporter)
    except UntrainableError as error:
        reporter.warning(f"{contestant.name}: is not compared ({error})")
        return Line(contestant, cost, (), None, str(error))
    return Line(contestant, cost, rows, paired_difference(searched, _dice(rows)))


def _given_name(name: str) -> str:
    """Of a given architecture and its folder."""
    return f"{GIVEN}_{Path(name).stem}"


def _claim_folder(run: Run, contestant: Candidate) -> None:
    """Keeps the architecture beside its trainings; InputError if those that are there are of another one."""
    file = run.compared_architecture(contestant.name)
    if file.is_file() and read_design(file) != contestant.design:
        remedy = "compare as before (--random, --architecture), or delete the folder to train this one"
        raise InputError(f"{file.parent}: has trainings of another architecture; {remedy}")
    contestant.design.save(file)


def _standing(group: Sequence[Line], best_one: str) -> list[str]:
    """How the searched network stands against the best of a group, and against one that decides otherwise."""
    if not group:
        return []
    best = max(group, key=lambda line: line.dice)
    hardest = min(group, key=_rank)
    found = [f"{_against(best)} {best_one}"]
    if _rank(hardest) < _rank(best):
        found.append(f"{_against(hardest)} another, {hardest.contestant.name}")
    return found


def _rank(line: Line) -> int:
    """The less the searched network stands out, the lower."""
    assert line.difference
    return ("worse", "not told apart", "better").index(line.difference.verdict)


def _against(line: Line) -> str:
    """How the searched network stands against another."""
    assert line.difference
    found = line.difference
    words = {"better": "better than", "worse": "worse than", "not told apart": "not told apart from"}[found.verdict]
    return f"({found.mean:+.4f}, 95 % interval {found.low:+.4f} to {found.high:+.4f}) {words}"


def _with_filters(run: Run) -> AnyDesign:
    design = run.architecture()
    return replace(design, filters=design.filters or run.config.training.filters)


def _cost(run: Run, contestant: Candidate) -> Summary:
    return retraining_cost(contestant.design, run.config)


def _network(run: Run, contestant: Candidate) -> nn.Module:
    return build_network(contestant.design, len(run.config.task.channels), len(run.config.task.labels))


def _train(folder: Path, contestant: Candidate, fold: int, device: torch.device, reporter: Reporter) -> None:
    run = Run(folder)
    own = run.compared(contestant.name, fold).folder
    build = partial(_network, run, contestant)
    with blamed_on_network():
        FoldTrainer(run.config, build, run.cache(reporter), run.splits[fold], fold, own, device, reporter).run()


def _scores(
    run: Run, contestant: Candidate, folds: Sequence[int], device: torch.device, reporter: Reporter
) -> tuple[ScoreRow, ...]:
    """Of the folds' validation cases, by the network that did not learn from them; without cleanup for all alike."""
    own = run.compare_folder / contestant.name
    rows: list[ScoreRow] = []
    for fold in folds:
        network = _network(run, contestant)
        files = run.fold(fold) if contestant.name == SEARCHED else run.compared(contestant.name, fold)
        with restoring(files.best, torch.device("cpu")) as state:
            network.load_state_dict(state["network"])
        rows += score_fold(run, network.eval().requires_grad_(False), fold, own, str(device), reporter)
    write_scores(own, rows, tolerance=run.config.task.tolerance)
    return tuple(rows)


def _dice(rows: Sequence[ScoreRow]) -> dict[str, float]:
    return {case: scores["dice"] for case, scores in case_means(rows).items()}

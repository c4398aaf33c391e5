"""From a finished search to the architecture that wins its races, on phantoms."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
import torch

from dints import Config, InputError
from dints.cost.complexity import summary
from dints.data.cache import Cache, build_cache
from dints.data.datalist import read_datalist
from dints.errors import StorageError
from dints.events import Reporter
from dints.files.storage import read_json
from dints.inference.sliding_window import NotFiniteAnswerError
from dints.run import Run
from dints.run_layout import RaceFiles
from dints.search.loop import Search
from dints.search.race import Standing
from dints.search.selection import choose, memory_budget
from dints.stages import search
from dints.training.retrain import FoldTrainer
from dints.training.step import UntrainableError

CPU = torch.device("cpu")
RACE = ["race.enabled=true", "race.steps=2", "race.growth=2", "race.heats=2", "race.neighbours=2", "race.random=1"]
RACE += ["race.moments=1"]


@pytest.fixture(scope="module")
def config(tiny_config: Config) -> Config:
    return tiny_config.with_overrides([*RACE, "race.memory=3"])


@pytest.fixture(scope="module")
def cache(phantoms: Path, config: Config, tmp_path_factory: pytest.TempPathFactory) -> Cache:
    cases = read_datalist(phantoms, config.task).cases
    values = tuple(sorted(config.task.labels))
    return build_cache(cases, config.preprocessing, values, tmp_path_factory.mktemp("cache"), Reporter())


@pytest.fixture(scope="module")
def searching(config: Config, cache: Cache, tmp_path_factory: pytest.TempPathFactory) -> Search:
    search = Search(config, cache, list(cache.cases), tmp_path_factory.mktemp("search"), CPU, Reporter())
    search.run()
    return search


class Recorder(Reporter):
    """Keeps the progress, as stage, step and total, and warnings."""

    def __init__(self) -> None:
        self.progressed: list[tuple[str, int, int]] = []
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)

    def progress(self, stage: str, step: int, total: int, /, **metrics: float) -> None:
        self.progressed.append((stage, step, total))


class FinishedRace(NamedTuple):
    folder: Path
    standings: list[Standing]
    progress: list[tuple[str, int, int]]


def chosen(config, cache, searching, folder, devices=(CPU,), reporter=None) -> list[Standing]:
    searches = [searching.snapshots()]
    return choose(config, cache, searching.halves, searches, folder, list(devices), reporter or Reporter())


@pytest.fixture(scope="module")
def race(config, cache, searching, tmp_path_factory: pytest.TempPathFactory) -> FinishedRace:
    folder, recorder = tmp_path_factory.mktemp("race"), Recorder()
    return FinishedRace(folder, chosen(config, cache, searching, folder, reporter=recorder), recorder.progressed)


def names_and_dice(standings: list[Standing]) -> list[tuple[str, float]]:
    return [(one.candidate.name, one.dice) for one in standings]


def test_the_winner_fits_the_budget_and_the_race_ends_alike_each_time(config, cache, searching, race, tmp_path):
    winner = race.standings[0].candidate.design
    cost = summary(winner, config.sampling.patch, 1, 1, len(config.task.labels), config.training.batch_size)
    assert cost.training_memory <= memory_budget(config) == 3 * 2**20
    assert names_and_dice(race.standings) == names_and_dice(chosen(config, cache, searching, tmp_path))


def test_a_finished_race_trains_nothing_again(config, cache, searching, race, monkeypatch):
    monkeypatch.setattr("dints.training.retrain.FoldTrainer.train_step", lambda *_: pytest.fail("trained again"))
    assert names_and_dice(race.standings) == names_and_dice(chosen(config, cache, searching, race.folder))


def test_the_cases_that_rank_were_not_trained_on(config, cache, searching, tmp_path, monkeypatch):
    seen = []

    class Recorded:
        def __init__(self, config, build, cache, split, *rest) -> None:
            seen.append(split)

        def run(self, until):
            raise KeyboardInterrupt

    monkeypatch.setattr("dints.search.selection.FoldTrainer", Recorded)
    with pytest.raises(KeyboardInterrupt):
        chosen(config, cache, searching, tmp_path)
    training, ranking = seen[0]
    assert set(training) | set(ranking) == set(cache.cases)
    assert not set(training) & set(ranking)


@pytest.mark.parametrize(
    "error",
    [
        UntrainableError("memory ran out with one patch at a time"),
        MemoryError(),
        RuntimeError("out of memory"),
        NotFiniteAnswerError("its answer is not finite"),
    ],
)
def test_a_candidate_that_cannot_be_trained_is_out_and_the_others_go_on(
    config, cache, searching, race, tmp_path, monkeypatch, error
):
    before = FoldTrainer.train_step

    def failing(self, *rest):
        if self.files.folder.name == "u_shape_2_levels":
            raise error
        return before(self, *rest)

    monkeypatch.setattr(FoldTrainer, "train_step", failing)
    recorder = Recorder()
    standings = chosen(config, cache, searching, tmp_path, reporter=recorder)
    failed = [one.candidate.name for one in standings if math.isnan(one.dice)]
    assert failed == ["u_shape_2_levels"]
    assert len(recorder.warnings) == 1
    assert "u_shape_2_levels: is out of the race" in recorder.warnings[0]


def test_what_is_no_fault_of_a_candidate_ends_the_race(config, cache, searching, tmp_path, monkeypatch):
    def full_disk(*_):
        raise StorageError("last.pt: cannot be written")

    monkeypatch.setattr(FoldTrainer, "_save", full_disk)
    with pytest.raises(StorageError):
        chosen(config, cache, searching, tmp_path)


def test_progress_is_that_of_all_candidates_together(race):
    """Each race ends with all of its steps, and steps of no candidate are lost."""
    for stage in ("race", "race of neighbours"):
        told = [(step, total) for name, step, total in race.progress if name == stage]
        assert [step for step, _ in told] == list(range(1, told[-1][1] + 1))
        assert len({total for _, total in told}) == 1
    assert {name for name, *_ in race.progress} == {"race", "race of neighbours"}


def test_what_was_trained_before_counts(config, cache, searching, race, tmp_path):
    folder = shutil.copytree(race.folder, tmp_path / "race")
    leader = read_json(RaceFiles(folder).standings)[0]
    for lost in (RaceFiles(folder).candidate(leader["name"]), RaceFiles(folder).near):
        shutil.rmtree(lost.folder)
    recorder = Recorder()
    chosen(config, cache, searching, folder, reporter=recorder)
    whole = next(total for name, _, total in race.progress if name == "race")
    assert recorder.progressed[0] == ("race", whole - leader["steps"] + 1, whole)


def test_without_a_number_the_budget_is_the_searched_share_of_a_full_network(config):
    shares = [memory_budget(config.with_overrides(["race.memory=0", f"search.memory_budget={s}"])) for s in (0.4, 0.8)]
    assert shares[1] == pytest.approx(2 * shares[0])


@pytest.mark.parametrize("keep", [0, 1])
def test_a_candidate_whose_log_is_damaged_or_gone_trains_anew_to_the_same_end(
    config, cache, searching, race, tmp_path, keep
):
    """It had no Dice any more, and was out of the race without a word."""
    folder = shutil.copytree(race.folder, tmp_path / "race")
    log = RaceFiles(folder).candidate(race.standings[-1].candidate.name).log
    rows = log.read_text().splitlines(keepends=True)
    log.write_text("".join(rows[:keep])) if keep else log.unlink()
    recorder = Recorder()
    standings = chosen(config, cache, searching, folder, reporter=recorder)
    assert names_and_dice(standings) == names_and_dice(race.standings)
    assert [text.split(":")[0] for text in recorder.warnings] == [str(log)]


@pytest.mark.parametrize("budget", ["race.memory=0.01", "search.memory_budget=0.001"])
def test_a_budget_that_nothing_fits_is_refused_before_the_search(phantoms, config, tmp_path, budget):
    """The search was made, for hours, and then there was no candidate."""
    run = Run.create(tmp_path / "run", phantoms, config.with_overrides(["race.memory=0", budget]))
    with pytest.raises(InputError, match=rf"{budget}: nothing fits [\d.e-]+ MiB, as training the smallest network"):
        search(run, CPU, Reporter())
    assert not run.search.folder.exists()

"""Successive halving: who trains for how long, who wins, what is left of an interruption."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from dints import InputError
from dints.config import RaceConfig
from dints.errors import RunError
from dints.events import Reporter
from dints.files.storage import read_json
from dints.search.race import Candidate, Standing, Training, plan_heats, race, ranking
from dints.zoo.unet_design import UNetDesign

SETTINGS = RaceConfig(steps=10, growth=3.0, heats=3)


def candidates(count: int) -> list[Candidate]:
    return [Candidate(f"c{index}", "drawn", UNetDesign(2, filters=index + 1)) for index in range(count)]


class Trainer:
    """Dice that grows with the width and, a little, with the steps."""

    def __init__(self) -> None:
        self.heats: list[list[tuple[str, int]]] = []

    def __call__(self, trainings: Sequence[Training]) -> list[float]:
        self.heats.append([(one.candidate.name, one.steps) for one in trainings])
        return [one.candidate.design.filters / 100 + one.steps / 1e6 for one in trainings]


def test_a_third_goes_on_for_three_times_as_long(tmp_path):
    trainer = Trainer()
    standings = race(candidates(9), SETTINGS, tmp_path, trainer, Reporter())
    assert [len(heat) for heat in trainer.heats] == [9, 3, 2]
    assert [heat[0][1] for heat in trainer.heats] == [10, 30, 90]
    assert {name for name, _ in trainer.heats[1]} == {"c8", "c7", "c6"}
    assert [one.candidate.name for one in standings] == ["c8", "c7", "c6", "c5", "c4", "c3", "c2", "c1", "c0"]


@pytest.mark.parametrize("count", [1, 2, 3, 5, 30])
def test_every_race_ends_with_one_winner_among_few(count, tmp_path):
    trainer = Trainer()
    standings = race(candidates(count), SETTINGS, tmp_path, trainer, Reporter())
    assert standings[0].candidate.name == f"c{count - 1}"
    assert len(standings) == count
    assert len(trainer.heats) <= SETTINGS.heats


def test_steps_of_all_heats_together_stay_near_those_of_each_first_one():
    heats = plan_heats(27, RaceConfig(steps=10, growth=3.0, heats=9))
    assert heats == [(27, 10), (9, 30), (3, 90), (2, 270)]


def test_what_is_not_a_number_is_last_and_names_settle_ties():
    a, b, c, d = candidates(4)
    ranked = ranking([Standing(a, 30, math.nan), Standing(b, 10, 0.9), Standing(d, 30, 0.5), Standing(c, 30, 0.5)])
    assert [one.candidate.name for one in ranked] == ["c2", "c3", "c1", "c0"]


def test_whoever_failed_does_not_go_on_and_wins_nothing(tmp_path):
    heats = []

    def train(trainings: Sequence[Training]) -> list[float]:
        heats.append({one.candidate.name for one in trainings})
        failing = {"c8"} if len(heats) == 1 else {"c7", "c6", "c5"}
        return [math.nan if one.candidate.name in failing else one.candidate.design.filters / 100 for one in trainings]

    standings = race(candidates(9), SETTINGS, tmp_path, train, Reporter())
    assert heats[1] == {"c7", "c6", "c5"}
    assert len(heats) == 2, "nobody is left for a third heat"
    assert [one.candidate.name for one in standings[:2]] == ["c4", "c3"]
    assert {one.candidate.name for one in standings if math.isnan(one.dice)} == {"c8", "c7", "c6", "c5"}


def test_a_race_of_which_nobody_has_a_dice_has_no_winner(tmp_path):
    with pytest.raises(RunError, match="no candidate of the race has a Dice"):
        race(candidates(3), SETTINGS, tmp_path, lambda trainings: [math.nan] * len(trainings), Reporter())


def test_standings_are_on_disk_before_the_first_heat_and_after_every_one(tmp_path):
    seen = []

    def train(trainings: Sequence[Training]) -> list[float]:
        seen.append([row["steps"] for row in read_json(tmp_path / "standings.json")])
        return [0.1 * one.candidate.design.filters for one in trainings]

    race(candidates(5), SETTINGS, tmp_path, train, Reporter())
    assert seen == [[0] * 5, [10] * 5]
    rows = read_json(tmp_path / "standings.json")
    assert rows[0]["name"] == "c4"
    assert rows[0]["architecture"] == UNetDesign(2, filters=5).to_mapping()
    assert rows[0]["steps"] > rows[-1]["steps"]


def test_a_holder_that_fails_takes_no_place(tmp_path):
    trainer, (holder, *rivals) = Trainer(), candidates(9)

    def train(trainings):
        dice = trainer(trainings)
        return [math.nan if one.candidate == holder else own for one, own in zip(trainings, dice, strict=True)]

    standings = race([holder, *rivals], SETTINGS, tmp_path, train, Reporter(), holder=holder)
    assert [len(heat) for heat in trainer.heats] == [9, 3, 2]
    assert standings[-1].candidate == holder
    assert all(name != holder.name for heat in trainer.heats[1:] for name, _ in heat)


def test_the_holder_is_beaten_at_the_end_or_not_at_all(tmp_path):
    """It starts slowly: by a short heat it would be out, and what it is replaced by would be worse."""
    holder, *rivals = candidates(9)
    early, late = {"c0": 0.1}, {"c0": 0.9}

    def train(trainings: Sequence[Training]) -> list[float]:
        known = late if trainings[0].steps == 90 else early
        return [known.get(one.candidate.name, one.candidate.design.filters / 20) for one in trainings]

    assert race([holder, *rivals], SETTINGS, tmp_path / "alone", train, Reporter())[0].candidate.name == "c8"
    standings = race([holder, *rivals], SETTINGS, tmp_path / "held", train, Reporter(), holder=holder)
    assert [(one.candidate.name, one.steps) for one in standings[:3]] == [("c0", 90), ("c8", 90), ("c7", 30)]
    assert len(standings) == 9


def test_a_race_without_candidates_or_with_twins_of_a_name_is_refused(tmp_path):
    with pytest.raises(InputError, match="no candidate"):
        race([], SETTINGS, tmp_path, Trainer(), Reporter())
    with pytest.raises(InputError, match="c0"):
        race(candidates(1) * 2, SETTINGS, tmp_path, Trainer(), Reporter())


def test_all_heats_of_a_candidate_are_one_training_under_the_schedule_of_the_last(tmp_path):
    seen = []

    def train(trainings: Sequence[Training]) -> list[float]:
        seen.extend((one.folder, one.schedule) for one in trainings)
        return [one.candidate.design.filters / 100 for one in trainings]

    race(candidates(9), SETTINGS, tmp_path, train, Reporter())
    assert {schedule for _, schedule in seen} == {90}
    assert len({folder for folder, _ in seen}) == 9

"""How far a race is, as its standings and the logs of its trainings tell: before, while and after it runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dints.errors import InputError
from dints.files.storage import write_json
from dints.run_layout import RaceFiles
from dints.search.race_state import RaceReader, heat_ends, heat_of


def standing(name: str) -> dict:
    return {"name": name, "origin": f"from {name}", "filters": 4, "steps": 0, "dice": None, "architecture": {}}


def train(race: RaceFiles, name: str, *rows: dict) -> None:
    log = race.candidate(name).log
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def race(tmp_path: Path) -> RaceFiles:
    write_json(RaceFiles(tmp_path).standings, [standing(name) for name in ("a", "b", "c")])
    return RaceFiles(tmp_path)


def test_before_the_race_there_is_nobody(tmp_path):
    assert RaceReader(RaceFiles(tmp_path)).racers() == []


def test_a_race_is_followed_from_its_start_to_its_end(race):
    reader = RaceReader(race)
    assert [(one.name, one.steps, one.dice) for one in reader.racers()] == [("a", 0, {}), ("b", 0, {}), ("c", 0, {})]
    train(race, "a", {"step": 9, "loss": 1.0}, {"step": 9, "mean_dice": 0.5})
    train(race, "b", {"step": 4, "loss": 1.0})
    assert [(one.name, one.steps, one.dice) for one in reader.racers()] == [
        ("a", 10, {10: 0.5}),
        ("b", 5, {}),
        ("c", 0, {}),
    ]
    train(race, "b", {"step": 9, "mean_dice": 0.7})
    train(race, "c", {"step": 9, "mean_dice": None})
    train(race, "b", {"step": 12, "loss": 1.0})
    racers = reader.racers()
    assert [one.name for one in racers] == ["b", "a", "c"]
    assert racers[0].curve == ([10], [0.7])
    ends = heat_ends(racers)
    assert ends == [10]
    assert [heat_of(one, ends) for one in racers] == [2, 1, 1]


def test_longer_trainings_stand_before_higher_dice(race):
    train(race, "a", {"step": 9, "mean_dice": 0.9})
    train(race, "c", {"step": 9, "mean_dice": 0.8}, {"step": 29, "mean_dice": 0.85})
    assert [one.name for one in RaceReader(race).racers()] == ["c", "a", "b"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b"[1]", b'[{"name": "a"}]', b'[{"name": "..", "origin": "x"}]', b'[{"name": "../a", "origin": "x"}]'],
)
def test_damaged_standings_are_named_with_their_remedy(race, content):
    race.standings.write_bytes(content)
    with pytest.raises(InputError, match=r"standings\.json: .*(damaged|not valid JSON)"):
        RaceReader(race).racers()

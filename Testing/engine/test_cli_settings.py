"""The steps that a panel takes before and after a run: demo data, settings to adjust, a renamed model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dints.cli import main
from dints.commands.models_command import _by_label
from dints.config import Config
from dints.errors import InputError


def test_the_check_writes_the_settings_that_follow_from_the_data(phantoms: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    assert main(["check", str(phantoms), "--settings", str(settings), "--set", "search.iterations=7"]) == 0
    config = Config.load(settings)
    assert config.task.labels == {0: "background", 1: "liver", 2: "kidney", 3: "aorta"}
    assert config.search.iterations == 7


def test_the_settings_of_a_preset_are_its_own(phantoms: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    assert main(["check", str(phantoms), "--config", "phantom", "--settings", str(settings)]) == 0
    assert Config.load(settings) == Config.load("phantom")


def test_a_recipe_comes_on_top_of_the_settings_that_follow_from_the_data(phantoms: Path, tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    configs = []
    for given in ((), ("--config", "recipe_nnunet")):
        assert main(["check", str(phantoms), *given, "--settings", str(settings)]) == 0
        configs.append(Config.load(settings))
    derived, config = configs
    assert config == Config.load("recipe_nnunet", derived)
    assert (config.task, config.sampling.patch) == (derived.task, derived.sampling.patch)
    assert (config.training.deep_supervision, derived.training.deep_supervision) == (True, False)


def test_the_demo_can_stop_at_its_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--run", str(tmp_path), "--data-only", "--events"]) == 0
    *progress, result = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert progress[-1]["step"] == progress[-1]["total"]
    assert result["values"]["config"] == "phantom"
    assert (Path(result["values"]["path"]) / "dataset.json").is_file()


def test_labels_are_renamed_by_their_value() -> None:
    assert _by_label("--label", ["1= Liver = whole"], {0: "background", 1: "a"}) == {1: "Liver = whole"}


@pytest.mark.parametrize("change", ["2=b", "liver=b", "1=", "1"])
def test_a_label_that_does_not_exist_cannot_be_renamed(change: str) -> None:
    with pytest.raises(InputError, match="--label"):
        _by_label("--label", [change], {0: "background", 1: "a"})

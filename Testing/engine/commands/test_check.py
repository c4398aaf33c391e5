"""`dints check`: what it reads of the settings, and what it may write."""

from __future__ import annotations

import pytest

from dints import Config
from dints.cli import main
from dints.run import Run

CASES = 6  # with a label, of the phantoms


@pytest.mark.parametrize("way", ["--folds", "--set", "--config"])
def test_the_folds_are_those_of_the_settings_however_they_are_given(way, phantoms, tmp_path, capsys):
    def check(folds: int) -> int:
        file = tmp_path / "folds.yaml"
        file.write_text(f"training: {{folds: {folds}}}")
        given = {"--folds": str(folds), "--set": f"training.folds={folds}", "--config": str(file)}
        return main(["check", str(phantoms), way, given[way], "--settings", str(tmp_path / "settings.yaml")])

    assert check(CASES) == 0
    assert Config.load(tmp_path / "settings.yaml").training.folds == CASES
    capsys.readouterr()
    assert check(CASES + 1) == 2
    assert f"has {CASES} cases with labels, too few for {CASES + 1} folds" in capsys.readouterr().err


@pytest.mark.parametrize(("option", "name"), [("--settings", "config.yaml"), ("--output", "check.json")])
def test_the_files_of_a_run_stay_as_they_are(option, name, phantoms, tiny_config, tmp_path, capsys):
    run = Run.create(tmp_path / "run", phantoms, tiny_config)
    path = run.folder / name
    path.touch()
    before = path.read_bytes()
    assert main(["check", str(phantoms), option, str(path)]) == 2
    assert f"{path}: belongs to a run, which goes on as it began; write to another file" in capsys.readouterr().err
    assert path.read_bytes() == before

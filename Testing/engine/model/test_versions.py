"""Versions of a model: listed together, chosen by number, and gone back to."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from dints import InputError
from dints.cli import main
from dints.model.installed import find_model, installed_models, newest_version, remove, use
from dints.model.lineage import Lesson, Lineage
from dints.model.manifest import Manifest
from dints.model.model import load_model, save_model


@pytest.fixture
def versions(model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """A model and a later version of it, installed; the later one's file comes first by name."""
    home = tmp_path / "models"
    home.mkdir()
    monkeypatch.setenv("DINTS_MODELS", str(home))
    first = load_model(shutil.copy(model_file, home / "liver.zip"))
    lineage = Lineage(2, first.manifest.family, first.manifest.id, (Lesson(2, 6, 2, 0, "2026-01-02", "better"),))
    weights = [{name: tensor + 0.01 for name, tensor in n.state_dict().items()} for n in first.networks]
    second = save_model(home / "a-later.zip", replace(first.manifest, lineage=lineage), weights)
    return [first.path, second.path]


def test_versions_stand_together_and_the_newest_is_in_use(versions, model_file):
    shutil.copy(model_file, versions[0].with_name("between.zip"))
    entries = installed_models()
    assert [(entry["file"], entry["version"], entry["in_use"]) for entry in entries] == [
        ("between.zip", 1, False),
        ("liver.zip", 1, False),
        ("a-later.zip", 2, True),
    ]
    assert len({entry["family"] for entry in entries}) == 1
    assert entries[2]["parent"] == entries[1]["id"]
    assert entries[2]["learned_from"][0]["cases"] == 6
    assert newest_version(entries[0]["family"]) == 2


def test_a_name_means_the_version_in_use_and_one_can_go_back(versions, capsys):
    assert find_model("Tiny") == versions[1]
    assert main(["models", "use", "Tiny", "1"]) == 0
    assert find_model("Tiny") == versions[0]
    assert [entry["in_use"] for entry in installed_models()] == [True, False]
    assert use("Tiny", 2) == versions[1]
    assert find_model("Tiny") == versions[1]
    assert find_model("liver.zip") == versions[0]  # a file is that file
    assert main(["models"]) == 0
    listed = capsys.readouterr().out
    assert "learned from 6 corrections and 0 cases of before" in listed
    assert "liver.zip: Tiny (CT): liver, left kidney, tumour; 2 folds, Dice 0.900; not in use" in listed


def test_of_two_versions_of_one_number_the_file_that_is_named_is_chosen(versions):
    second = load_model(versions[1])
    weights = [{name: tensor + 0.02 for name, tensor in n.state_dict().items()} for n in second.networks]
    other = save_model(versions[1].with_name("b-later.zip"), second.manifest, weights).path
    for path in (other, versions[1], other):
        assert use(path.name, 2) == path
        assert find_model("Tiny") == path


def test_a_version_that_is_not_installed_is_refused(versions):
    with pytest.raises(InputError, match=r"version 3 is not installed \(installed: 1, 2\)"):
        use("Tiny", 3)
    with pytest.raises(InputError, match="is no installed model"):
        use("Spleen", 1)


def test_a_choice_whose_version_was_removed_or_whose_file_is_damaged_is_none(versions):
    use("Tiny", 1)
    assert remove("liver.zip") == versions[0]
    assert find_model("Tiny") == versions[1]
    (versions[0].parent / ".in_use.json").write_text("{")
    assert find_model("Tiny") == versions[1]


def test_one_of_several_versions_is_removed_by_its_file_only(versions):
    with pytest.raises(InputError, match=r"several versions installed; name the file of one: liver\.zip, a-later\.zip"):
        remove("Tiny")
    assert all(path.exists() for path in versions)


def test_an_id_is_that_of_the_weights(versions):
    first, second = (load_model(path) for path in versions)
    assert first.manifest.id != second.manifest.id
    assert second.manifest.family == first.manifest.id
    renamed = save_model(versions[0].with_name("copy.zip"), first.manifest, [n.state_dict() for n in first.networks])
    assert renamed.manifest.id == first.manifest.id
    assert torch.equal(next(renamed.networks[0].parameters()), next(first.networks[0].parameters()))


def test_models_of_before_are_first_versions(versions):
    values = load_model(versions[1]).manifest.to_mapping()
    del values["lineage"]
    manifest = Manifest.from_mapping(values, "model")
    assert (manifest.lineage, manifest.family) == (Lineage(), manifest.id)


@pytest.mark.parametrize("lineage", ["", [], {"version": 0}, {"version": 2, "family": 3}, {"version": True}])
def test_a_damaged_lineage_is_refused_by_name(versions, lineage):
    values = load_model(versions[1]).manifest.to_mapping()
    values["lineage"] = values["lineage"] | lineage if isinstance(lineage, dict) else lineage
    with pytest.raises(InputError, match="model: its lineage is damaged"):
        Manifest.from_mapping(json.loads(json.dumps(values)), "model")

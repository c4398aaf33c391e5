"""A run that starts from a model: whose weights, which labels and channels, which cases."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from dints import InputError
from dints.cli import main
from dints.events import Reporter
from dints.improvement.start import prepare_from, read_start
from dints.model.folder import SHIPPED_FOLDER
from dints.model.lineage import Lineage
from dints.model.model import load_model, save_model
from dints.run import Run, load_fold
from dints.run_layout import RunLayout

CPU = torch.device("cpu")


def described(folder: Path, **changes: object) -> Path:
    """Changes the description of a data set."""
    values = json.loads((folder / "dataset.json").read_text()) | changes
    (folder / "dataset.json").write_text(json.dumps(values))
    return folder


@pytest.fixture
def data(phantoms: Path, tmp_path: Path) -> Path:
    """A copy of the phantoms that a test may change."""
    return Path(shutil.copytree(phantoms, tmp_path / "data"))


def begun(start: Path, data: Path, folder: Path, reporter: Reporter | None = None, **options) -> Run:
    return prepare_from(read_start(str(start)), folder, data, [], reporter or Reporter(), **options)


@pytest.mark.parametrize("kind", ["model", "run"])
def test_folds_begin_as_the_networks_of_the_model(first_run, first_model, data, tmp_path, kind):
    run = begun({"model": first_model, "run": first_run}[kind], data, tmp_path / "new")
    assert run.architecture() == Run(first_run).architecture()
    assert run.config.preprocessing == Run(first_run).config.preprocessing
    for fold, network in enumerate(load_model(first_model).networks):
        for name, tensor in run.begin(fold).state_dict().items():
            assert torch.equal(tensor, network.state_dict()[name]), name


def test_the_schedule_is_that_of_a_fine_tuning_and_can_be_changed(first_model, data, tmp_path):
    before = load_model(first_model).manifest.config.training
    run = begun(first_model, data, tmp_path / "new")
    assert run.config.training.learning_rate == pytest.approx(before.learning_rate / 10)
    assert run.config.training.patience == 3
    start = read_start(str(first_model))
    other = prepare_from(start, tmp_path / "other", data, ["training.iterations=2"], Reporter())
    assert other.config.training.iterations == 2


def test_a_version_learns_as_fast_as_the_one_before(first_model, data, tmp_path):
    """Rates that fell with each version would soon teach nothing."""
    model = load_model(first_model)
    again = replace(model.manifest, lineage=Lineage(2, "0" * 16, "0" * 16))
    path = save_model(tmp_path / "again.zip", again, [network.state_dict() for network in model.networks]).path
    first, second = (read_start(str(one)) for one in (first_model, path))
    own = first.config.training
    before = prepare_from(first, tmp_path / "first", data, [], Reporter()).config.training
    after = prepare_from(second, tmp_path / "second", data, [], Reporter()).config.training
    assert before.learning_rate == pytest.approx(own.learning_rate * 0.1)
    assert after.learning_rate == own.learning_rate
    assert after.iterations == own.iterations


def test_labels_are_matched_by_name_whatever_their_values(first_model, data, tmp_path, listener):
    described(data, labels={"0": "background", "1": "Aorta", "2": "spleen", "3": "liver"})
    run = begun(first_model, data, tmp_path / "new", listener)
    old, new = (own.state_dict() for own in (load_model(first_model).networks[0], run.begin(0)))
    name = "head.classifier.weight"
    assert torch.equal(new[name][[0, 1, 3]], old[name][[0, 3, 1]])
    assert not torch.equal(new[name][2], old[name][2])
    assert "New labels, which begin with random weights: spleen" in listener.said
    assert any(text.startswith("The data set does not have kidney, so the new model") for text in listener.said)


def test_a_new_channel_changes_nothing_at_first(first_model, data, tmp_path):
    values = json.loads((data / "dataset.json").read_text())
    for entry in values["training"]:
        entry["image"] = [entry["image"], entry["image"]]
    described(data, training=values["training"], test=[], modality={"0": "T2", "1": "MRI"})
    run = begun(first_model, data, tmp_path / "new")
    assert run.config.task.channels == ("T2", "MRI")
    images = torch.rand(1, 2, 16, 16, 16)
    with torch.no_grad():
        assert torch.allclose(run.begin(0)(images), load_model(first_model).networks[0](images[:, 1:]), atol=1e-5)


def test_a_channel_of_the_model_must_be_there(first_model, data, tmp_path):
    described(data, modality={"0": "T2", "1": "T1"})
    with pytest.raises(InputError, match="lacks the model's channel MRI"):
        begun(first_model, data, tmp_path / "new")


def test_another_number_of_filters_is_refused_with_what_to_do(first_model, data, tmp_path):
    with pytest.raises(InputError, match=r"training.filters=4: the model has 2 filters.*train from the start"):
        prepare_from(read_start(str(first_model)), tmp_path / "new", data, ["training.filters=4"], Reporter())
    assert not RunLayout(tmp_path / "new").is_run


def test_old_cases_keep_their_folds_and_held_out_ones_stay_so(first_run, first_model, data, tmp_path):
    run = begun(first_model, data, tmp_path / "new", old_run=first_run)
    before = Run(first_run)
    for (_, old), (training, new) in zip(before.splits, run.splits, strict=True):
        assert {f"old-{name}" for name in old} <= set(new)
        assert not set(new) & set(training)
    assert "old-phantom_000" in run.held_out
    assert {"phantom_000", "old-phantom_001"} <= set(run.cases)
    assert Run(run.folder).cases.keys() == run.cases.keys()


def test_cases_that_the_run_before_has_too_count_once(first_run, first_model, listener, tmp_path):
    """They were drawn a second time, into other folds: networks were validated on what they had learned from."""
    before = Run(first_run)
    run = begun(first_model, before.data_folder, tmp_path / "new", listener, old_run=first_run)
    assert set(run.cases) == {f"old-{name}" for name in before.cases}
    assert [set(new) for _, new in run.splits] == [{f"old-{name}" for name in old} for _, old in before.splits]
    assert run.held_out == {f"old-{name}" for name in before.held_out}
    known = len(before.known_cases)
    assert f"{before.data_folder}: {known} of its cases are those of {first_run}, and count once" in listener.said
    assert Run(run.folder).cases.keys() == run.cases.keys()


def test_old_cases_without_the_new_label_are_not_learned_from(first_run, first_model, data, tmp_path):
    described(data, labels={"0": "background", "1": "liver", "2": "kidney", "3": "aorta", "4": "spleen"})
    with pytest.raises(InputError, match="leave out --old"):
        begun(first_model, data, tmp_path / "new", old_run=first_run)


def test_fewer_cases_than_networks_are_validated_in_several_folds(first_model, data, tmp_path):
    values = json.loads((data / "dataset.json").read_text())
    described(data, training=values["training"][:3], test=[])
    start = read_start(str(first_model))
    many = type(start)(start.config, start.architecture, start.states * 2, (0, 1, 2, 3), start.model)
    run = prepare_from(many, tmp_path / "new", data, [], Reporter())
    assert [len(validation) for _, validation in run.splits] == [1, 1, 1, 1]
    assert all(len(training) == 2 for training, _ in run.splits)


def test_the_command_fine_tunes_and_goes_on_without_the_model(first_model, data, tmp_path, capsys):
    model = Path(shutil.copy(first_model, tmp_path / "model.zip"))
    run = tmp_path / "run"
    command = ["train", "--run", str(run), "--from", str(model), "--device", "cpu"]
    settings = ["--data", str(data), "--set", "training.iterations=2"]
    assert main([*command, *settings, "--folds", "0"]) == 0
    model.unlink()
    assert main([*command, "--set", "training.iterations=3"]) == 2
    assert "was started with other settings" in capsys.readouterr().err
    assert (
        main(["train", "--run", str(run), "--from", str(SHIPPED_FOLDER / "hippocampus-mr.zip"), "--device", "cpu"]) == 2
    )
    assert "was started from another model, Phantom version 1; give that one" in capsys.readouterr().err
    assert main([*command, "--old", str(tmp_path)]) == 2
    assert "was started with no --old; resume without the option" in capsys.readouterr().err
    assert main([*command, "--set", "training.iterations=2"]) == 0
    assert Run(run).trained_folds == [0, 1]
    assert load_fold(Run(run), 1)


def test_a_run_that_began_with_random_weights_is_not_gone_on_with_from_a_model(first_run, first_model, capsys):
    assert main(["train", "--run", str(first_run), "--from", str(first_model)]) == 2
    assert "was started without --from" in capsys.readouterr().err


def test_a_checkpoint_of_the_reference_is_started_from(first_model, data, tmp_path, capsys):
    assert main(["models", "reference", str(first_model), "--output", str(tmp_path / "theirs")]) == 0
    config = tmp_path / "config.yaml"
    load_model(first_model).manifest.config.save(config)
    command = ["train", "--run", str(tmp_path / "run"), "--data", str(data), "--device", "cpu", "--folds", "0"]
    command += ["--from", str(tmp_path / "theirs" / "fold0.pt")]
    assert main(command) == 2
    assert "give --architecture, --config" in capsys.readouterr().err
    given = ["--architecture", str(tmp_path / "theirs" / "architecture.pth"), "--config", str(config)]
    assert main([*command, *given, "--set", "training.iterations=1"]) == 0
    weights, network = Run(tmp_path / "run").begin(0).state_dict(), load_model(first_model).networks[0]
    assert all(torch.equal(weights[name], tensor) for name, tensor in network.state_dict().items())


def test_a_damaged_label_of_new_data_leaves_no_run(first_model, data, tmp_path):
    label = next((data / "labelsTr").iterdir())
    image = sitk.GetImageFromArray(np.zeros((2, 2, 2), np.uint8))
    sitk.WriteImage(image, label)
    with pytest.raises(InputError):
        begun(first_model, data, tmp_path / "new")
    assert not RunLayout(tmp_path / "new").is_run

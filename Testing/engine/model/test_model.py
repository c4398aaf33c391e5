from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

import dints
from dints.config import Config
from dints.errors import InputError
from dints.model.installed import find_model, install, installed_models, remove
from dints.model.manifest import FORMAT, Fold, LabelStyle, Manifest
from dints.model.model import Model, load_model, save_model
from dints.space.architecture import Architecture
from dints.space.network import build_network


@pytest.fixture
def manifest(tiny_config: Config) -> Manifest:
    space = dints.SearchSpace(tiny_config.search.layers, tiny_config.search.levels)
    architecture = Architecture.random(space, seed=1)
    folds = (Fold("", "", (0.9, None, 0.5)), Fold("", "", (0.8, 0.7, 0.6)))
    styles = {1: LabelStyle("#dd8265", "context~code"), 3: LabelStyle("#e0614c")}
    return Manifest(tiny_config, architecture, folds, "notes", styles=styles)


@pytest.fixture
def weights(manifest: Manifest) -> list[dict[str, torch.Tensor]]:
    networks = []
    for seed in range(2):
        torch.manual_seed(seed)
        networks.append(build_network(manifest.architecture, 1, 4, manifest.config.training.filters).state_dict())
    return networks


@pytest.fixture
def image() -> sitk.Image:
    voxels = np.random.default_rng(0).normal(100, 20, (18, 20, 22)).astype(np.float32)
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing((1.1, 0.9, 1.5))
    image.SetOrigin((-12.5, 7.25, 100.0))
    return image


@pytest.mark.parametrize("name", ["model.zip", "model"])
def test_a_model_comes_back_with_all_it_was_given(
    name: str, manifest: Manifest, weights: list, tmp_path: Path, image: sitk.Image
) -> None:
    saved = save_model(tmp_path / name, manifest, weights)
    loaded = load_model(tmp_path / name)
    assert loaded.manifest == saved.manifest
    assert loaded.manifest.config == manifest.config
    assert loaded.manifest.architecture == manifest.architecture
    assert loaded.manifest.folds[0].dice == (0.9, None, 0.5)
    assert loaded.labels == {1: "liver", 2: "kidney", 3: "aorta"}
    for network, state in zip(loaded.networks, weights, strict=True):
        assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())
    result = loaded.segment(image, device="cpu")
    assert isinstance(result, sitk.Image)
    assert result.GetSize() == image.GetSize()
    assert result.GetOrigin() == image.GetOrigin()
    assert result.GetSpacing() == image.GetSpacing()
    assert result.GetDirection() == image.GetDirection()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def rewritten(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The zip with changed members."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def in_manifest(**changes: object) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        members["manifest.json"] = json.dumps({**json.loads(members["manifest.json"]), **changes}).encode()

    return change


def without(name: str) -> Callable[[dict[str, bytes]], None]:
    def change(members: dict[str, bytes]) -> None:
        values = json.loads(members["manifest.json"])
        del values[name]
        members["manifest.json"] = json.dumps(values).encode()

    return change


def flip_a_bit(members: dict[str, bytes]) -> None:
    content = bytearray(members["weights/fold1.safetensors"])
    content[len(content) // 2] ^= 1
    members["weights/fold1.safetensors"] = bytes(content)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (flip_a_bit, "checksum of weights/fold1.safetensors"),
        (in_manifest(format=FORMAT + 1), "update the engine"),
        (in_manifest(format="one"), "is not a DiNTS model"),
        (in_manifest(folds=[]), "0 networks"),
        (in_manifest(folds=[{"sha256": ""}]), "damaged"),
        (in_manifest(folds=[{"file": "../../secret", "sha256": ""}]), "points outside"),
        (in_manifest(folds=[{"file": "/etc/passwd", "sha256": ""}]), "points outside"),
        (in_manifest(architecture={"format": 1}), "layers"),
        (in_manifest(config={"task": {"names": "x"}}), "did you mean"),
        (in_manifest(styles={"1": {"color": "red"}}), "expected #rrggbb"),
        (in_manifest(styles=["#ff0000"]), "styles are damaged"),
        (lambda members: members.pop("manifest.json"), "manifest.json cannot be read"),
        (lambda members: members.pop("weights/fold0.safetensors"), "fold0.safetensors cannot be read"),
        (lambda members: members.update({"manifest.json": b"{"}), "not valid JSON"),
    ],
)
def test_a_damaged_model_is_refused_in_one_line(
    change: Callable, reason: str, manifest: Manifest, weights: list, tmp_path: Path
) -> None:
    save_model(tmp_path / "model.zip", manifest, weights)
    rewritten(tmp_path / "model.zip", change)
    with pytest.raises(InputError) as caught:
        len(load_model(tmp_path / "model.zip").networks)
    assert reason in str(caught.value)
    assert "model.zip" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_without_styles_is_read(manifest: Manifest, weights: list, tmp_path: Path) -> None:
    """As models of earlier engines are."""
    save_model(tmp_path / "model.zip", manifest, weights)
    older = rewritten(tmp_path / "model.zip", without("styles"))
    assert load_model(older).manifest.styles == {}
    assert load_model(older).manifest.config == manifest.config


def test_weights_of_another_architecture_are_refused(manifest: Manifest, weights: list, tmp_path: Path) -> None:
    wider = build_network(manifest.architecture, 1, 4, 4).state_dict()
    model = save_model(tmp_path / "wider.zip", manifest, [weights[0], wider])
    with pytest.raises(InputError, match=r"more than the [0-9]+ bytes"):
        len(load_model(model.path).networks)
    name = next(name for name, tensor in weights[1].items() if tensor.ndim == 5 and len(tensor) > 1)
    turned = {**weights[1], name: weights[1][name].flatten()}
    model = save_model(tmp_path / "turned.zip", manifest, [weights[0], turned])
    with pytest.raises(InputError, match=rf"tensor {name} has the shape \(54,\)"):
        len(load_model(model.path).networks)


def test_weights_that_are_not_numbers_are_refused(manifest: Manifest, weights: list, tmp_path: Path) -> None:
    name = next(iter(weights[1]))
    weights[1][name] = torch.full_like(weights[1][name], float("nan"))
    model = save_model(tmp_path / "model.zip", manifest, weights)
    with pytest.raises(InputError, match="not finite"):
        len(load_model(model.path).networks)


def test_a_model_folder_is_not_overwritten(manifest: Manifest, weights: list, tmp_path: Path) -> None:
    save_model(tmp_path / "model", manifest, weights)
    with pytest.raises(InputError, match="exists already"):
        save_model(tmp_path / "model", manifest, weights)


def test_the_library_lists_installed_models_and_names_the_damaged(
    manifest: Manifest, weights: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DINTS_MODELS", str(tmp_path / "models"))
    assert installed_models() == []
    model: Model = save_model(tmp_path / "phantom.zip", manifest, weights)
    installed = install(model.path)
    (tmp_path / "models" / "broken.zip").write_bytes(b"PK nothing")
    broken, good = installed_models()
    assert "broken.zip" in broken["problem"]
    assert (good["name"], good["folds"], good["labels"]["1"]) == ("Phantom", 2, "liver")
    assert good["dice"] == pytest.approx((0.7 + 0.7) / 2)
    assert find_model("Phantom") == find_model("phantom") == installed
    with pytest.raises(InputError, match="exists already"):
        install(model.path)
    with pytest.raises(InputError, match=r"installed: broken\.zip, phantom\.zip"):
        find_model("liver")
    remove("phantom")
    remove("broken")
    assert installed_models() == []


def test_a_shipped_model_is_listed_and_found_but_never_removed(
    manifest: Manifest, weights: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DINTS_MODELS", str(tmp_path / "models"))
    shipped = save_model(tmp_path / "shipped" / "phantom.zip", manifest, weights)
    assert [entry["shipped"] for entry in installed_models()] == [True]
    assert find_model("Phantom") == shipped.path
    with pytest.raises(InputError, match="came with the engine"):
        remove("Phantom")
    install(save_model(tmp_path / "phantom.zip", manifest, weights).path)
    assert find_model("Phantom") == tmp_path / "models" / "phantom.zip"  # one's own is found first
    remove("Phantom")
    assert find_model("Phantom") == shipped.path


def test_a_damaged_model_is_not_installed(
    manifest: Manifest, weights: list, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DINTS_MODELS", str(tmp_path / "models"))
    save_model(tmp_path / "model.zip", manifest, weights)
    with pytest.raises(InputError, match="checksum"):
        install(rewritten(tmp_path / "model.zip", flip_a_bit))
    assert not (tmp_path / "models").exists()


def test_a_model_without_a_safety_bound_says_why(model_file, tmp_path):
    model = load_model(model_file)
    assert model.why_every_window == "it was not measured"
    assert model.predictor("cpu").bound is None
    manifest = replace(model.manifest, training={"safety_bound": {"reason": "the cases have too few windows"}})
    reasoned = save_model(tmp_path / "reasoned.zip", manifest, [network.state_dict() for network in model.networks])
    assert load_model(reasoned.path).why_every_window == "the cases have too few windows"
    assert reasoned.safety_bound is None


def test_a_safety_bound_of_another_first_look_does_not_count(model_file, tmp_path):
    model = load_model(model_file)
    bound = {"threshold": 0.05, "step": [16, 16, 16], "saved": 0.5, "cases": 3}
    manifest = replace(model.manifest, training={"safety_bound": bound})
    older = save_model(tmp_path / "older.zip", manifest, [network.state_dict() for network in model.networks])
    assert older.safety_bound is None
    assert "another first look" in older.why_every_window


def test_a_damaged_safety_bound_is_refused(model_file, tmp_path):
    model = load_model(model_file)
    manifest = replace(model.manifest, training={"safety_bound": {"threshold": 2}})
    damaged = save_model(tmp_path / "damaged.zip", manifest, [network.state_dict() for network in model.networks])
    with pytest.raises(InputError, match="the safety bound is damaged"):
        damaged.predictor("cpu")

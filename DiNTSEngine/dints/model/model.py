"""The model file: a folder or zip of a manifest and one weights file a fold. Nothing in it is ever executed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import SimpleITK as sitk
import torch
from torch import Tensor, nn

import dints
from dints.errors import InputError
from dints.files.storage import to_json
from dints.files.untrusted.archive import read_member
from dints.inference.calibration import Calibration
from dints.inference.confidence import Confidence
from dints.inference.predictor import Predictor
from dints.inference.safety_bound import SafetyBound
from dints.inference.training_range import TrainingRange
from dints.model.archive import read_manifest, write_archive
from dints.model.manifest import FILE_NAME, Fold, Manifest
from dints.model.weights import SUFFIX, pack, read_weights, size_limit, unpack, write_weights
from dints.space.network import build_network

LARGEST_MODEL = 16 * 2**30  # bytes of all weights; five folds of the paper's network have 3 GB


class Model:
    """A trained ensemble. Its networks are read when they are first needed.

    Attributes:
        path: folder or zip.
        manifest: what the file says of itself.
    """

    def __init__(self, path: Path, manifest: Manifest) -> None:
        self.path, self.manifest = path, manifest

    @property
    def labels(self) -> dict[int, str]:
        """{value in the segmentation: name}, without the background."""
        return {value: name for value, name in self.manifest.config.task.labels.items() if value}

    @cached_property
    def networks(self) -> list[nn.Module]:
        """One network a fold, on the CPU, ready for inference."""
        return [self._network(stored) for stored in self._stored_weights()]

    def converted(self, path: str | os.PathLike[str]) -> Model:
        """Writes the model in the format of today, whatever its own is: the same weights, bit for bit.

        Raises:
            InputError: it is damaged, or `path` is a folder that exists already.
        """
        return _write(Path(path), self.manifest, [write_weights(stored) for stored in self._stored_weights()])

    def segment(self, images: sitk.Image | Sequence[sitk.Image], **options: Any) -> sitk.Image:
        """Segments a volume.

        Args:
            images: one 3D image, or one a channel in the order of the model's channels.
            options: see `Predictor.segment` and, for the device, `predictor`.

        Returns:
            Label values on exactly the grid of the input.
        """
        device = options.pop("device", "auto")
        channels = [images] if isinstance(images, sitk.Image) else list(images)
        return self.predictor(device).segment(channels, **options)

    def predictor(self, device: str = "auto") -> Predictor:
        """The inference of this model on a device ("auto", "cpu", "cuda", "cuda:1")."""
        values = self.manifest.training.get("range")
        trained_on = None if values is None else TrainingRange.from_mapping(values, str(self.path))
        task = self.manifest.config.task
        if trained_on and not trained_on.fits(len(task.channels), len(task.labels)):
            reason = "the range of the training data has other channels or labels"
            raise InputError(f"{self.path}: {reason}; export the model again")
        return Predictor(self.networks, self.manifest.config, device, trained_on, self.safety_bound)

    @property
    def safety_bound(self) -> SafetyBound | None:
        """What a first look may leave out; None if that was not measured, or nothing may be."""
        values = self.manifest.safety_bound
        return None if "reason" in values else SafetyBound.from_mapping(values, str(self.path))

    @property
    def why_every_window(self) -> str:
        """The reason why there is no safety bound; empty if there is one."""
        return str(self.manifest.safety_bound.get("reason", ""))

    def assessment(self, confidence: Confidence | None) -> dict[str, float | None]:
        """How far a segmentation by this model can be relied on, as plain values.

        "disagreement" is that of the networks within what was found; "predicted_dice" is calibrated on the model's
        cross-validation, of one network, and "error" its mean absolute error on scans that the network had not seen.
        None where nothing was found, or the model has no calibration.
        """
        calibration = Calibration.from_mapping(self.manifest.training.get("calibration"), str(self.path))
        expected = confidence.expected_dice if confidence else None
        dice = None if calibration is None or expected is None else calibration.predicted(expected)
        return {
            "disagreement": confidence.disagreement if confidence else None,
            "predicted_dice": dice,
            "error": calibration.error if calibration else None,
        }

    def _empty_network(self) -> nn.Module:
        """Shapes without memory behind them: the file decides on them, and may not have the weights to fill them."""
        config, architecture = self.manifest.config, self.manifest.architecture
        with torch.device("meta"):
            return build_network(
                architecture, len(config.task.channels), len(config.task.labels), config.training.filters
            )

    def _network(self, stored: Mapping[str, Tensor]) -> nn.Module:
        network = self._empty_network()
        network.load_state_dict(unpack(stored), assign=True)
        network.eval().requires_grad_(False)
        return network

    def _stored_weights(self) -> Iterator[dict[str, Tensor]]:
        """The tensors of each fold as its file has them, checked: kernels may be 8-bit steps."""
        expected = self._empty_network().state_dict()
        limit = size_limit(expected)
        if limit * len(self.manifest.folds) > LARGEST_MODEL:
            raise InputError(f"{self.path}: needs more than {LARGEST_MODEL} bytes of memory; do not use this file")
        for fold in self.manifest.folds:
            content = read_member(self.path, fold.file, limit)
            if hashlib.sha256(content).hexdigest() != fold.sha256:
                raise InputError(f"{self.path}: the checksum of {fold.file} is wrong; get or export the model again")
            yield read_weights(content, expected, f"{self.path}: {fold.file}")


def in_words(assessment: Mapping[str, float | None]) -> str:
    """What `Model.assessment` says, for people."""
    disagreement, dice, error = (assessment[name] for name in ("disagreement", "predicted_dice", "error"))
    if disagreement is None:
        return "nothing was found"
    doubt = f"disagreement {disagreement:.1%} within what was found"
    return doubt if dice is None else f"predicted Dice {dice:.2f} (off by {error:.2f} on average), {doubt}"


def load_model(path: str | os.PathLike[str]) -> Model:
    """Opens a model folder or zip; the weights are read at first use.

    Raises:
        InputError: there is no model at `path`, or it is damaged.
    """
    return Model(Path(path), read_manifest(path))


def save_model(
    path: str | os.PathLike[str], manifest: Manifest, weights: Sequence[Mapping[str, Tensor]], compact: bool = False
) -> Model:
    """Writes a model atomically, as a zip if `path` ends in .zip, else as a folder.

    Args:
        manifest: its `folds` carry the Dice of each fold; files and checksums are filled in here.
        weights: one state dict a fold.
        compact: round kernels to 8 bits, for a quarter of the size.

    Raises:
        InputError: a folder of that name exists already.
    """
    manifest = replace(manifest, engine_version=dints.__version__)
    return _write(Path(path), manifest, [write_weights(pack(state, compact)) for state in weights])


def _write(path: Path, manifest: Manifest, contents: Sequence[bytes]) -> Model:
    """Writes the weights of each fold with a manifest that gets their names and checksums."""
    folds = tuple(
        Fold(f"weights/fold{index}{SUFFIX}", hashlib.sha256(content).hexdigest(), fold.dice)
        for index, (content, fold) in enumerate(zip(contents, manifest.folds, strict=True))
    )
    manifest = replace(manifest, folds=folds)
    members = {FILE_NAME: to_json(manifest.to_mapping()).encode()}
    members |= {fold.file: content for fold, content in zip(folds, contents, strict=True)}
    write_archive(path, members)
    return Model(path, manifest)

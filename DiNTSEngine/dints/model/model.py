"""The model file: a folder or zip of a manifest and one weights file a fold. Nothing in it is ever executed."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
import torch
from torch import Tensor

import dints
from dints.errors import InputError
from dints.inference.predictor import Predictor
from dints.inference.training_range import TrainingRange
from dints.model.archive import read_manifest, read_member, write_archive
from dints.model.manifest import FILE_NAME, Fold, Manifest
from dints.space.network import Network, build_network
from dints.storage import to_json

ARRAY_HEADERS = 1024  # bytes a tensor takes at most beside its values, in a NumPy archive


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
    def networks(self) -> list[Network]:
        """One network a fold, on the CPU, ready for inference."""
        return [self._network(fold) for fold in self.manifest.folds]

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
        return Predictor(self.networks, self.manifest.config, device, trained_on)

    def _network(self, fold: Fold) -> Network:
        config = self.manifest.config
        network = build_network(
            self.manifest.architecture, len(config.task.channels), len(config.task.labels), config.training.filters
        )
        expected = network.state_dict()
        content = read_member(self.path, fold.file, _size_limit(expected))
        if hashlib.sha256(content).hexdigest() != fold.sha256:
            raise InputError(f"{self.path}: the checksum of {fold.file} is wrong; get or export the model again")
        network.load_state_dict(_read_weights(content, expected, f"{self.path}: {fold.file}"))
        network.eval().requires_grad_(False)
        return network


def load_model(path: str | os.PathLike) -> Model:
    """Opens a model folder or zip; the weights are read at first use.

    Raises:
        InputError: there is no model at `path`, or it is damaged.
    """
    return Model(Path(path), read_manifest(path))


def save_model(path: str | os.PathLike, manifest: Manifest, weights: Sequence[Mapping[str, Tensor]]) -> Model:
    """Writes a model atomically, as a zip if `path` ends in .zip, else as a folder.

    Args:
        manifest: its `folds` carry the Dice of each fold; files and checksums are filled in here.
        weights: one state dict a fold.

    Raises:
        InputError: a folder of that name exists already.
    """
    path = Path(path)
    contents = [_write_weights(state) for state in weights]
    folds = tuple(
        Fold(f"weights/fold{index}.npz", hashlib.sha256(content).hexdigest(), fold.dice)
        for index, (content, fold) in enumerate(zip(contents, manifest.folds, strict=True))
    )
    manifest = replace(manifest, folds=folds, engine_version=dints.__version__)
    members = {FILE_NAME: to_json(manifest.to_mapping()).encode()}
    members |= {fold.file: content for fold, content in zip(folds, contents, strict=True)}
    write_archive(path, members)
    return Model(path, manifest)


def _size_limit(expected: Mapping[str, Tensor]) -> int:
    """Bytes that the weights of a network can have on disk, with the headers of their arrays."""
    return sum(tensor.nbytes + ARRAY_HEADERS for tensor in expected.values()) + ARRAY_HEADERS


def _write_weights(state: Mapping[str, Tensor]) -> bytes:
    """Tensors as an uncompressed NumPy archive: arrays only, no pickled objects."""
    buffer = BytesIO()
    arrays: dict[str, Any] = {name: tensor.detach().cpu().numpy() for name, tensor in state.items()}
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _read_weights(content: bytes, expected: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """The arrays of a weights file, checked against the network's names and shapes."""
    try:
        with np.load(BytesIO(content), allow_pickle=False) as archive:
            if set(archive.files) != set(expected):
                odd = sorted(set(archive.files) ^ set(expected))[0]
                raise InputError(f"{source}: tensor {odd} does not fit the architecture; export the model again")
            state = {name: torch.from_numpy(archive[name]) for name in expected}
    except InputError:
        raise
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise InputError(f"{source}: is damaged ({error}); get or export the model again") from error
    for name, tensor in state.items():
        if tensor.shape != expected[name].shape or not torch.isfinite(tensor).all():
            raise InputError(f"{source}: tensor {name} has the wrong shape or is not finite; export the model again")
    return state

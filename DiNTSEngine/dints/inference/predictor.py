"""Segments images with an ensemble of networks: from the image to labels on exactly its grid."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk
from torch import Tensor, nn

from dints.config import Config, InferenceConfig
from dints.data.grid import Grid
from dints.data.images import split_channels
from dints.data.preprocessing import LARGEST_WORKING_VOLUME, Preprocessor
from dints.device import select_device
from dints.errors import InputError, brief, memory_for
from dints.events import Reporter
from dints.geometry import Size, Vector
from dints.inference.assemble import SLAB_BYTES
from dints.inference.band_sums import BAND_ROWS
from dints.inference.case import NOT_COMPUTED, CaseResult, PreparedCase
from dints.inference.components import keep_largest_components
from dints.inference.confidence import Confidence, ConfidenceMeter
from dints.inference.fallback import Execution, executions, first_that_fits
from dints.inference.first_look import SCALES, FirstLook, Way, first_look
from dints.inference.region import Region, checked_region, crop_box, placed_within
from dints.inference.safety_bound import SafetyBound
from dints.inference.sliding_window import ForwardPass, flips_of
from dints.inference.tiling import Tiling
from dints.inference.training_range import TrainingRange
from dints.inference.window_grid import count_windows

FLOAT_BYTES = 4
BAND_COPIES = 3  # of finished rows: their logits, their probabilities, and those together with the rows before
WEIGHT_VOLUMES = 2  # as thick as the patch, beside the sums of logits
OTHER_WINDOWS = ", which was measured with another overlap or mirroring; exhaustive inference computes every window"
LABEL_COPIES = 4  # of a byte a voxel: in the crop, cleaned, on the grid of the image, and the array it is made of


@dataclass(frozen=True)
class Prediction:
    """What is known of an image after inference, on its grid."""

    labels: sitk.Image  # label values
    disagreement: sitk.Image | None  # percent or NOT_COMPUTED, see `LabelAssembler.disagreement`; None if not asked for
    computed: int = 0  # windows that went through networks
    windows: int = 0  # that would have if all were computed
    by_all: int = 0  # of those computed: that went through all networks; a majority that agrees needs no others
    confidence: Confidence | None = None  # None unless asked for
    passes: int = 0  # of windows through networks, once a flip; those of a first look, too
    seconds: float = 0.0  # that these took, without reading, resampling and election
    bound_holds: bool = True  # False if windows were left out by a safety bound that was measured with other windows


@dataclass(frozen=True)
class PreparedImage:
    """A case as networks see it."""

    volume: Tensor  # [C, X, Y, Z]
    grid: Grid


@dataclass(frozen=True)
class Estimate:
    """What segmenting an image will take, before it is read."""

    windows: int  # each goes through every network, with mirroring once a flip
    memory: int  # bytes, without the networks' weights and what they need for a window


class Predictor:
    """Preprocessing, sliding window, ensemble, and the way back.

    Args:
        networks: one a fold, from [B, C, *patch] to logits [B, K, *patch]. Modules are switched to evaluation and moved
            to the device when they are used.
        config: of the task and the preprocessing that the networks were trained with; its `inference` section holds
            the defaults of what `segment` can be asked for.
        device: "auto", "cpu", "cuda" or "cuda:N".
        trained_on: images unlike those are segmented with a warning that says why.
        bound: windows in which a first look finds less than it allows are left out; None computes every window.
    """

    def __init__(
        self,
        networks: Sequence[ForwardPass],
        config: Config,
        device: str = "auto",
        trained_on: TrainingRange | None = None,
        bound: SafetyBound | None = None,
    ) -> None:
        self.networks, self.config, self.device = list(networks), config, select_device(device)
        self.trained_on, self.bound = trained_on, bound
        self._preprocessor = Preprocessor(config.preprocessing)
        for network in self.networks:
            if isinstance(network, nn.Module):
                network.eval()

    def segment(self, channels: Sequence[sitk.Image], reporter: Reporter | None = None, **options: Any) -> sitk.Image:
        """Label image on exactly the grid of the input. For arguments and errors see `predict`."""
        return self.predict(channels, reporter, **options).labels

    def predict(
        self,
        channels: Sequence[sitk.Image] | PreparedImage,
        reporter: Reporter | None = None,
        *,
        folds: Sequence[int] | None = None,
        region: Region | None = None,
        disagreement: bool = False,
        exhaustive: bool = False,
        confidence: bool = False,
        **options: Any,
    ) -> Prediction:
        """Segments a case.

        When memory runs out for windows or the result, the work is repeated in ways that need less, with a warning to
        the reporter.

        Args:
            channels: 3D images on one grid, in the order of the task's channels (or one of several components), or
                what `prepare` made of them.
            reporter: receives progress of the stage "segment" and warnings.
            folds: which networks vote; all by default.
            region: box of voxels ((x, y, z) first, (x, y, z) after the last) along the image's axes. Only what it
                needs is computed; outside of it is background. Intensities are scaled as for the whole image.
            disagreement: also return where the folds disagree.
            exhaustive: compute every window with every fold, whatever the safety bound allows and a majority decides.
            confidence: also return how sure the folds are of the whole: those that go over every window.
            options: fields of `InferenceConfig` in place of the config's own.

        Raises:
            InputError: the images do not fit the model, or an option is unknown or has no meaning.
            RunError: memory ran out in every way, or while the image was prepared.
        """
        reporter = reporter or Reporter()
        settings, networks = self._settings(options), self._members(folds)
        image = self._prepared(channels, reporter)
        volume, grid, whole = image.volume, image.grid, region is None
        region = ((0, 0, 0), grid.size) if region is None else checked_region(region, grid.size)
        mirrored = self.config.mirrored_axes if settings.mirror else ()
        sides = self.config.task.sides.classes
        bound = None if exhaustive else self.bound
        box, tiling = crop_box(grid, region), self.tiling(len(networks), settings)
        case = PreparedCase(volume, grid, box, networks, tiling, settings.vote, mirrored, sides, bound, exhaustive)

        def work(step: Execution) -> Prediction:
            meter = ConfidenceMeter(len(networks), len(self.config.task.labels)) if confidence else None
            result = case.run(step, disagreement, reporter, meter)
            holds = result.computed == result.windows or self._are_own_windows(settings)
            self._say_what_was_left_out(result, holds, reporter)
            classes = self._without_smaller_components(result.classes, settings)
            if whole:
                self._warn_of_volumes(classes, grid, reporter)
            labels = grid.restore(classes, sorted(self.config.task.labels))
            doubtful = result.disagreement
            doubt = None if doubtful is None else placed_within(doubtful, grid, region, NOT_COMPUTED)
            sure = meter.confidence() if meter else None
            counts = result.computed, result.windows, result.by_all
            return Prediction(labels, doubt, *counts, sure, result.passes, result.seconds, holds)

        return first_that_fits(executions(self.device, settings.batch_size, len(networks)), work, reporter)

    def refuse_options(self, folds: Sequence[int] | None = None, exhaustive: bool = False, **options: Any) -> None:
        """InputError if `predict` would refuse these: said once, before many images are read."""
        del exhaustive  # has a meaning whatever it is
        self._settings(options)
        self._members(folds)

    def prepare(self, channels: Sequence[sitk.Image]) -> PreparedImage:
        """What can be done before a case has its turn, in another thread; errors as in `predict`."""
        with memory_for("image", "prepared for the networks"):
            return PreparedImage(*self._preprocessor(self._split(channels)))

    def estimate(self, size: Size, spacing: Vector, folds: Sequence[int] | None = None, **options: Any) -> Estimate:
        """What an image of `size` voxels of `spacing` mm along R, A and S takes, if nothing is cropped away.

        The memory is that of the resampled volume, of the sums of logits of one band, of a slab at the original
        resolution and of the labels. `folds` and `options` as in `predict`.
        """
        settings, networks, patch = self._settings(options), self._members(folds), self.config.sampling.patch
        x, y, z = (
            max(1, round(count * step / wanted))
            for count, step, wanted in zip(size, spacing, self.config.preprocessing.spacing, strict=True)
        )
        if x * y * z > LARGEST_WORKING_VOLUME:
            raise InputError(f"image: {x} x {y} x {z} working voxels are too many; correct the spacing in the file")
        plane = max(x, patch[0]) * max(y, patch[1])
        volumes = len(self.config.task.channels) * (math.prod(size) + plane * max(z, patch[2])) * FLOAT_BYTES
        logits = len(networks) * len(self.config.task.labels) * (patch[2] + BAND_COPIES * BAND_ROWS)
        band = (logits + WEIGHT_VOLUMES * patch[2]) * plane * FLOAT_BYTES
        windows = count_windows((x, y, z), patch, self.tiling(len(networks), settings).stride)
        return Estimate(windows, volumes + band + SLAB_BYTES + LABEL_COPIES * math.prod(size))

    def looks(self, channels: Sequence[sitk.Image], networks: int) -> tuple[dict[int, FirstLook], Grid]:
        """First looks of the first network by their scale: those that would be worth it for one of so many networks."""
        prepared, tiling = self.prepare(channels), self.tiling(networks)
        (x, y, z), looks = prepared.grid.working_shape, {}

        def look(scale: int, step: Execution) -> FirstLook:
            return first_look(prepared.volume, self.networks[:1], tiling.patch, scale, device=step.device)

        for scale in SCALES:
            if Way(scale, alone=True).is_worth_it((x, y, z), tiling):
                steps = executions(self.device, batch_size=1, networks=1)
                looks[scale] = first_that_fits(steps, functools.partial(look, scale), Reporter())
        return looks, prepared.grid

    def tiling(self, networks: int, settings: InferenceConfig | None = None) -> Tiling:
        """How windows lie for so many networks."""
        return Tiling.of(settings or self.config.inference, self.config.sampling.patch, networks)

    def flips(self, mirror: bool) -> int:
        """How many times each window goes through a network: mirrored, once a flip that the training had."""
        return len(flips_of(self.config.mirrored_axes if mirror else ()))

    def _prepared(self, given: Sequence[sitk.Image] | PreparedImage, reporter: Reporter) -> PreparedImage:
        image = given if isinstance(given, PreparedImage) else self.prepare(given)
        strange = self.trained_on.differences(image.volume.numpy(), image.grid) if self.trained_on else []
        if strange:
            reporter.warning(f"This image is unlike those that the model learned from: {'; '.join(strange)}")
        return image

    def _are_own_windows(self, settings: InferenceConfig) -> bool:
        """Whether they lie, and are mirrored, as the model says: so they did where its safety bound was measured."""
        patch, own = self.config.sampling.patch, self.config.inference
        lie = Tiling.of(settings, patch, 1) == Tiling.of(own, patch, 1)
        return lie and self.flips(settings.mirror) == self.flips(own.mirror)

    def _say_what_was_left_out(self, result: CaseResult, bound_holds: bool, reporter: Reporter) -> None:
        if result.by_all < result.computed:
            reporter.message(
                f"{result.by_all} of {result.computed} windows went through all networks; in the others a majority "
                "agreed, which the rest could not outvote"
            )
        if self.bound and result.computed < result.windows:
            reporter.message(
                f"{result.computed} windows were computed instead of {result.windows}; elsewhere a first look gave all "
                f"but background a probability of at most {self.bound.threshold:.2g}, the model's safety bound"
                f"{'' if bound_holds else OTHER_WINDOWS}"
            )

    def _without_smaller_components(self, classes: np.ndarray, settings: InferenceConfig) -> np.ndarray:
        """Class indices of the crop, where asked for with their largest components only."""
        values = sorted(self.config.task.labels)
        kept = [values.index(value) for value in settings.largest_component]
        return keep_largest_components(classes, kept, self.config.task.nested)

    def _warn_of_volumes(self, classes: np.ndarray, grid: Grid, reporter: Reporter) -> None:
        """A warning if what was found is smaller or larger than in all training cases."""
        names = [self.config.task.labels[value] for value in sorted(self.config.task.labels)][1:]
        strange = self.trained_on.strange_volumes(classes, grid, names) if self.trained_on else []
        if strange:
            reporter.warning(
                f"What was found is unlike that in the training cases: {'; '.join(strange)}; "
                "check the result, and whether the image's orientation is right"
            )

    def _settings(self, options: Mapping[str, Any]) -> InferenceConfig:
        """The config's inference section with the caller's options, checked like a file's."""
        if "overlap" in options and "stride" not in options:
            options = {**options, "stride": None}  # else the config's stride would win over what was asked for
        return Config.from_mapping({"inference": options}, "segment", self.config).inference

    def _members(self, folds: Sequence[int] | None) -> list[ForwardPass]:
        """The networks that vote."""
        known = range(len(self.networks))
        chosen = known if folds is None else folds
        if not isinstance(chosen, Sequence) or not chosen or any(type(n) is not int or n not in known for n in chosen):
            raise InputError(
                f"folds {brief(chosen)}: must name some of the model's folds 0 to {len(self.networks) - 1}"
            )
        return [self.networks[fold] for fold in dict.fromkeys(chosen)]

    def _split(self, channels: Sequence[sitk.Image]) -> list[sitk.Image]:
        """One scalar image a channel; InputError unless there are as many as the task has."""
        images = [channel for image in channels for channel in split_channels(image)]
        names = self.config.task.channels
        if len(images) != len(names):
            raise InputError(f"image: has {len(images)} channels; the model needs {len(names)}: {', '.join(names)}")
        return images

"""How the shipped model does on scans that are not like those it learned from.

    python studies/hippocampus/robustness.py --run runs/study/final \
        --model hippocampus-mr --others ../shared/data/ct/example_ct.nii.gz ../shared/data/mr/example_mr.nii.gz

Every case is segmented by the network of the fold that held it out. Writes robustness.csv: mean Dice of each label,
the mean of what was predicted, and how many of the cases came with a warning; and others.csv: the warnings of scans of
other kinds. --results names another folder for both.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from tables import write_csv

from dints.data.images import read_channels, read_label
from dints.evaluation.evaluate import evaluate_case
from dints.events import Reporter
from dints.inference.predictor import Predictor
from dints.model.installed import find_model
from dints.model.model import Model, load_model
from dints.run import Run

HERE = Path(__file__).parent
CASES = 8  # of each fold
Change = Callable[[sitk.Image, sitk.Image], tuple[sitk.Image, sitk.Image]]


class Warnings(Reporter):
    """Remembers what it is warned of."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def warning(self, text: str) -> None:
        self.texts.append(text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--others", type=Path, nargs="*", default=[])
    parser.add_argument("--results", type=Path, default=HERE)
    options = parser.parse_args()
    run, model = Run(options.run), load_model(find_model(options.model))
    predictor = model.predictor("cpu")
    lines = [(name, *scores(change, run, model, predictor)) for name, change in CHANGES.items()]
    names = [name for value, name in run.config.task.labels.items() if value]
    header = ("scans", *(f"DSC {name}" for name in names), "predicted", "cases", "with a warning")
    write_csv(options.results / "robustness.csv", header, lines)
    heard = []
    for path in options.others:
        warnings = Warnings()
        predictor.predict(read_channels([path]), warnings, folds=[0], mirror=False, overlap=0.0)  # the warning counts
        heard.append((path.name, " | ".join(warnings.texts)))
    write_csv(options.results / "others.csv", ("scan", "warning"), heard)
    print(*((options.results / name).read_text() for name in ("robustness.csv", "others.csv")), sep="\n")


def scores(change: Change, run: Run, model: Model, predictor: Predictor) -> tuple:
    """Mean Dice of each label and the predicted one, number of cases, number of those with a warning."""
    dice, warned = [], 0
    for fold, (_, validation) in enumerate(run.splits):
        for name in validation[:CASES]:
            case, warnings = run.cases[name], Warnings()
            assert case.label is not None
            image, label = change(read_channels(case.images)[0], read_label(case.label))
            prediction = predictor.predict([image], warnings, folds=[fold], confidence=True)
            found = evaluate_case(prediction.labels, label, run.config.task.labels, run.config.task.tolerance)
            predicted = model.assessment(prediction.confidence)["predicted_dice"]
            dice.append([*(own["dice"] for own in found.values()), np.nan if predicted is None else predicted])
            warned += bool(warnings.texts)
    return (*(f"{value:.4f}" for value in np.nanmean(dice, axis=0)), len(dice), warned)


def as_they_are(image: sitk.Image, label: sitk.Image) -> tuple[sitk.Image, sitk.Image]:
    return image, label


def thick_slices(image: sitk.Image, label: sitk.Image) -> tuple[sitk.Image, sitk.Image]:
    """1 x 1 x 2 mm."""
    spacing = (1.0, 1.0, 2.0)
    size = [round(n * s / t) for n, s, t in zip(image.GetSize(), image.GetSpacing(), spacing, strict=True)]
    grid = (size, sitk.Transform(), sitk.sitkLinear, image.GetOrigin(), spacing, image.GetDirection())
    nearest = (*grid[:2], sitk.sitkNearestNeighbor, *grid[3:])
    return sitk.Resample(image, *grid), sitk.Resample(label, *nearest)


def rotated(image: sitk.Image, label: sitk.Image) -> tuple[sitk.Image, sitk.Image]:
    """By 15 degrees in the axial plane, about the centre."""
    centre = image.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in image.GetSize()])
    turn = sitk.Euler3DTransform(centre, 0.0, 0.0, np.deg2rad(15.0))
    return sitk.Resample(image, turn), sitk.Resample(label, turn, sitk.sitkNearestNeighbor)


def of_voxels(change: Callable[[np.ndarray], np.ndarray]) -> Change:
    """A change of the intensities [z, y, x]."""

    def changed(image: sitk.Image, label: sitk.Image) -> tuple[sitk.Image, sitk.Image]:
        result = sitk.GetImageFromArray(change(sitk.GetArrayFromImage(image).astype(np.float32)).astype(np.float32))
        result.CopyInformation(image)
        return result, label

    return changed


def shaded(voxels: np.ndarray) -> np.ndarray:
    """A bias field from 0.7 to 1.3 across the scan."""
    ramps = np.meshgrid(*(np.linspace(-1, 1, count) for count in voxels.shape), indexing="ij")
    return voxels * (1 + 0.1 * sum(ramps))


def noisy(voxels: np.ndarray) -> np.ndarray:
    """Gaussian noise of a tenth of the range of the intensities."""
    low, high = np.percentile(voxels, (1, 99))
    return voxels + np.random.default_rng(0).normal(0, 0.1 * (high - low), voxels.shape)


def flipped(axis: int) -> Change:
    """The anatomy mirrored along an axis of the file, as by a wrong header."""

    def changed(image: sitk.Image, label: sitk.Image) -> tuple[sitk.Image, sitk.Image]:
        results = []
        for volume in (image, label):
            result = sitk.GetImageFromArray(np.flip(sitk.GetArrayFromImage(volume), 2 - axis))
            result.CopyInformation(volume)
            results.append(result)
        return results[0], results[1]

    return changed


def shifted(image: sitk.Image, label: sitk.Image) -> tuple[sitk.Image, sitk.Image]:
    """Cropped by 6 voxels at the beginning of each axis."""
    return image[6:, 6:, 6:], label[6:, 6:, 6:]


CHANGES: dict[str, Change] = {
    "as they are": as_they_are,
    "1 x 1 x 2 mm": thick_slices,
    "rotated by 15 degrees": rotated,
    "bias field of 30 %": of_voxels(shaded),
    "noise of 10 %": of_voxels(noisy),
    "inverted intensities": of_voxels(lambda voxels: voxels.max() - voxels),
    "flipped R-L": flipped(0),
    "flipped A-P": flipped(1),
    "flipped S-I": flipped(2),
    "crop shifted by 6 mm": shifted,
}


if __name__ == "__main__":
    main()

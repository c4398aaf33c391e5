"""Synthetic scans to try the whole pipeline on: a small body with organs, as a magnetic resonance scanner would see it.

Everything is a closed-form function of the position in the patient, so a scan can be sampled on any grid: anisotropic,
in any axis order, oblique. A phantom is a function of its seed alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from dints.data.images import write_image
from dints.events import Reporter
from dints.files.storage import write_json
from dints.geometry import Size

LABELS = {0: "background", 1: "liver", 2: "kidney", 3: "aorta"}

# Everything below is in units of the body's half width, along the RAS axes; intensities in those of the scanner.
FIELD_OF_VIEW = 1.08  # half extent of the image: a rim of air lies around the body
BODY_RADII = (1.0, 0.82, 1.6)  # reaches beyond the first and last slice
EDGE = 0.05  # width of an organ's border, about one voxel: partial volume
FAT, MUSCLE, LIVER, CORTEX, MEDULLA, BLOOD, BONE, MARROW = 520.0, 210.0, 330.0, 470.0, 300.0, 680.0, 90.0, 400.0
NOISE = 22.0  # standard deviation in each of the two channels of the receiver
BIAS = 0.18  # logarithm of the receive field's inhomogeneity, at most


@dataclass(frozen=True)
class Waves:
    """A smooth random field on space: a sum of sines, with values of about -1..1."""

    directions: np.ndarray  # [n, 3] wave vectors
    phases: np.ndarray  # [n]

    @staticmethod
    def draw(generator: np.random.Generator, frequency: float, count: int) -> Waves:
        directions = generator.normal(size=(count, 3))
        directions *= frequency * generator.uniform(0.6, 1.4, (count, 1)) / np.linalg.norm(directions, axis=1)[:, None]
        return Waves(directions, generator.uniform(0, 2 * np.pi, count))

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Values [n] at points [n, 3]."""
        values = np.zeros(len(points))
        for direction, phase in zip(self.directions, self.phases, strict=True):  # one at a time: scans may be large
            values += np.sin(points @ direction + phase)
        return np.asarray(values / np.sqrt(2 * len(self.phases)))


@dataclass(frozen=True)
class ScanGrid:
    """Where voxels lie: size and spacing (mm) in file order, `direction` in SimpleITK's LPS world (axes as columns)."""

    size: Size
    spacing: np.ndarray
    direction: np.ndarray

    def points(self) -> np.ndarray:
        """World positions [x * y * z, 3] in mm, towards Right, Anterior, Superior of the centre; x runs fastest."""
        axes = [(np.arange(size) - (size - 1) / 2) * step for size, step in zip(self.size, self.spacing, strict=True)]
        z, y, x = np.meshgrid(*reversed(axes), indexing="ij")
        return np.asarray(np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1) @ self.direction.T * (-1, -1, 1))

    def image(self, values: np.ndarray) -> sitk.Image:
        image = sitk.GetImageFromArray(values.reshape(self.size[::-1]))
        image.SetSpacing(self.spacing.tolist())
        image.SetDirection(self.direction.ravel().tolist())
        half = (np.array(self.size) - 1) / 2 * self.spacing
        image.SetOrigin((-self.direction @ half).tolist())
        return image


def write_phantoms(
    folder: str | Path,
    cases: int = 12,
    unlabelled: int = 2,
    seed: int = 0,
    size: Size = (40, 40, 32),
    reporter: Reporter | None = None,
) -> Path:
    """Writes a data set of phantoms in the decathlon's layout and returns its folder.

    `cases` have labels; `unlabelled` ones are listed as test, their true labels lie in `labelsTs/` to compare with.
    `size` is in voxels of about 1 x 1 x 1.4 mm. Files that exist are replaced; the description is written last.
    """
    folder, reporter = Path(folder), reporter or Reporter()
    names = [f"phantom_{index:03d}" for index in range(cases + unlabelled)]
    for index, name in enumerate(names):
        image, label = phantom(seed, index, size)
        part = "Tr" if index < cases else "Ts"
        write_image(image, folder / f"images{part}" / f"{name}.nii.gz")
        write_image(label, folder / f"labels{part}" / f"{name}.nii.gz")
        reporter.progress("phantom", index + 1, len(names))
    description = {
        "name": "Phantom",
        "description": "Synthetic magnetic resonance scans with a liver, a kidney and an aorta",
        "tensorImageSize": "3D",
        "modality": {"0": "MRI"},
        "labels": {str(value): name for value, name in LABELS.items()},
        "numTraining": cases,
        "numTest": unlabelled,
        "training": [
            {"image": f"./imagesTr/{name}.nii.gz", "label": f"./labelsTr/{name}.nii.gz"} for name in names[:cases]
        ],
        "test": [f"./imagesTs/{name}.nii.gz" for name in names[cases:]],
    }
    write_json(folder / "dataset.json", description)
    return folder


def phantom(seed: int, index: int, size: Size = (40, 40, 32)) -> tuple[sitk.Image, sitk.Image]:
    """Scan (int16) and label (uint8) number `index` of a seed; grids alternate between LPS, RAS and oblique."""
    generator = np.random.default_rng([seed, index])
    grid = _draw_grid(generator, index, size)
    half_width = min(np.multiply(size, grid.spacing)[:2]) / 2 / FIELD_OF_VIEW
    points = grid.points() / half_width
    label, signal = _anatomy(generator, points)
    signal *= np.exp(BIAS * Waves.draw(generator, 1.5, 3)(points))
    noise = generator.normal(0, NOISE, (2, len(points)))
    magnitude = np.hypot(signal + noise[0], noise[1])  # Rician, as magnitudes of a complex signal are
    magnitude[_ellipsoid(points, (0, 0, 0), BODY_RADII) > 2 * EDGE] = 0  # scanners blank the air
    return grid.image(np.round(magnitude).astype(np.int16)), grid.image(label)


def _draw_grid(generator: np.random.Generator, index: int, size: Size) -> ScanGrid:
    spacing = np.array([1.0, 1.0, 1.4]) * generator.uniform(0.92, 1.08, 3)
    direction = np.eye(3) if index % 2 == 0 else np.diag([-1.0, -1.0, 1.0])  # LPS, RAS
    if index % 3 == 2:
        direction = _rotation(generator.normal(size=3), np.deg2rad(generator.uniform(4, 10))) @ direction
    return ScanGrid(size, spacing, direction)


def _rotation(axis: np.ndarray, angle: float) -> np.ndarray:
    """Rotation matrix about an axis (Rodrigues' formula)."""
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def _anatomy(generator: np.random.Generator, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Label [n] uint8 and signal [n] of points [n, 3]: tissue is painted over tissue, the deepest first."""
    bend = [Waves.draw(generator, 3.0, 4) for _ in range(3)]
    bent = points + 0.1 * np.stack([wave(points) for wave in bend], axis=1)
    shift = generator.uniform(-0.06, 0.06, (3, 3))
    scale = generator.uniform(0.88, 1.12, 3)
    grain = Waves.draw(generator, 14.0, 24)(points)
    sway = 0.06 * np.sin(2.2 * bent[:, 2] + generator.uniform(0, 2 * np.pi))

    body = _ellipsoid(points, (0, 0, 0), BODY_RADII)
    liver = _ellipsoid(bent, (0.36, 0.16, 0.1) + shift[0], np.array([0.44, 0.42, 0.62]) * scale[0])
    kidney = _ellipsoid(bent, (-0.46, -0.18, -0.05) + shift[1], np.array([0.25, 0.3, 0.5]) * scale[1])
    aorta = _tube(bent, -0.08 + shift[2, 0] + sway, -0.22 + shift[2, 1] / 2, 0.15 * scale[2])
    spine = _tube(points, 0.0, -0.56, 0.19)

    signal = np.zeros(len(points))
    for distance, tissue in (
        (body, FAT),
        (body + 0.12, MUSCLE * (1 + 0.08 * grain)),
        (spine, BONE),
        (spine + 0.06, MARROW),
        (liver, LIVER * (1 + 0.14 * grain)),
        (kidney, CORTEX),
        (kidney + 0.13, MEDULLA * (1 + 0.05 * grain)),
        (aorta, BLOOD),
    ):
        cover = np.clip(0.5 - distance / EDGE, 0, 1)
        signal = (1 - cover) * signal + cover * tissue
    label = np.zeros(len(points), np.uint8)
    for value, distance in enumerate((liver, kidney, aorta), start=1):
        label[distance < 0] = value
    return label, signal


def _ellipsoid(points: np.ndarray, centre: object, radii: object) -> np.ndarray:
    """About the signed distance [n] to the surface, negative inside."""
    radii = np.asarray(radii)
    return np.asarray((np.linalg.norm((points - np.asarray(centre)) / radii, axis=1) - 1) * radii.min())


def _tube(points: np.ndarray, x: np.ndarray | float, y: float, radius: float) -> np.ndarray:
    """Signed distance [n] to a tube along the body's axis through (x, y), where x may change from point to point."""
    return np.hypot(points[:, 0] - x, points[:, 1] - y) - radius

"""The sections of the configuration: one frozen dataclass a stage, one line a setting.

A line says the default, what the setting means, its unit, and what else may be given: everything that shows or checks
settings is made from these lines. The defaults are the paper's (sections 3.6 and 4.1). The upper limits lie far above
what is sensible: they keep a stranger's configuration, such as that in a model file, from asking for more memory than
any computer has.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from dints.config.ignored import IGNORED_NAME
from dints.config.scaling import WINDOW, ZSCORE, Window, is_for_each, of_channel
from dints.config.setting import Rule, setting
from dints.config.sides import Sides, sides_of
from dints.geometry import Size, Vector
from dints.space.architecture import MAX_FILTERS
from dints.space.search_space import FINEST, MAX_LAYERS, MAX_LEVELS, SearchSpace

LARGEST_LABEL = 2**16 - 1  # label files hold unsigned 16-bit integers at most
MOST_LABELS = 256  # class indices are stored in 8 bits
MOST_CHANNELS = 64
LARGEST_BATCH = 4096
LARGEST_PATCH = 512**3  # voxels; half a GiB a channel
LARGEST_SIDE = LARGEST_PATCH // 4  # voxels of a patch along an axis, the others having two
LARGEST_STEP = 1e3  # mm
SMALLEST_STEP = 1e-6  # mm, a nanometre
MOST_FOLDS = 1000  # each is a network
MOST_CANDIDATES = 1000
MOST_ITERATIONS = 10**9  # 25,000 times the paper's

WITH_BACKGROUND = Rule(lambda labels: 0 in labels and len(labels) > 1, "hold 0 and at least one other label")
FITS_MEMORY = Rule(lambda patch: math.prod(patch) <= LARGEST_PATCH, f"not exceed {LARGEST_PATCH} voxels in all")
RISING = Rule(
    lambda window: all(low < high for low, high in (window if is_for_each(window) else [window])),
    "be [low, high] with low < high",
)
NOT_FALLING = Rule(lambda pair: pair[0] <= pair[1], "be [low, high] with low <= high")
EACH_ONCE = Rule(lambda axes: len(set(axes)) == len(axes), "name each axis once at most")


@dataclass(frozen=True)
class TaskConfig:
    """What is segmented in which images."""

    name: str = setting("task", "Name of the task and of its model")
    description: str = setting("", "What is segmented, in a sentence")
    modality: str = setting("MR", "Kind of the images; CT has Hounsfield units", choices=("CT", "MR"))
    channels: tuple[str, ...] = setting(
        ("image",), "Names of the images of a case, in order", entries=(1, MOST_CHANNELS)
    )
    labels: dict[int, str] = setting(
        {0: "background", 1: "foreground"},
        "Names of the values in label files",
        high=LARGEST_LABEL,
        low=0,
        entries=(2, MOST_LABELS),
        rule=WITH_BACKGROUND,
    )
    ignored: tuple[int, ...] = setting(
        (), "Values of voxels that nobody annotated: no class, left out of losses and scores", low=1, high=LARGEST_LABEL
    )
    nested: bool = setting(False, "Labels nest, as a tumour in its organ: the largest component is that of their union")
    tolerance: float = setting(1.0, "Tolerance of the normalised surface distance", unit="mm", low=0)

    @property
    def values(self) -> dict[int, str]:
        """Names of all values that label files may hold, those of ignored voxels included."""
        return self.labels | dict.fromkeys(self.ignored, IGNORED_NAME)

    @property
    def sides(self) -> Sides:
        """Which labels are left and right of one another, as their names tell."""
        return sides_of(self.labels)


@dataclass(frozen=True)
class PreprocessingConfig:
    """From an image file to the network's input; see `dints.data.preprocessing`."""

    spacing: Vector = setting(
        (1.0, 1.0, 1.0), "Working spacing along the RAS axes", unit="mm", low=SMALLEST_STEP, high=LARGEST_STEP
    )
    intensity: str | tuple[str, ...] = setting(
        "zscore",
        "Scaling: clipped to a window (CT), or by the non-zero voxels' deviation (MR); of all channels, or of each",
        choices=(WINDOW, ZSCORE),
    )
    window: Window | tuple[Window, ...] = setting(
        (-87.0, 199.0), "Intensities that become 0 and 1; of all channels, or of each", unit="HU", rule=RISING
    )
    crop_foreground: bool = setting(True, "Leave out the surrounding air")

    def window_of(self, channel: int) -> Window | None:
        """What a channel is clipped to; None where it is scaled by its deviation."""
        low, high = of_channel(self.window, channel)
        return (low, high) if of_channel(self.intensity, channel) == WINDOW else None


@dataclass(frozen=True)
class SamplingConfig:
    """The patches that the network sees."""

    patch: Size = setting(
        (96, 96, 96), "Size of patches and windows", unit="voxels", low=2, high=LARGEST_SIDE, rule=FITS_MEMORY
    )
    foreground_fraction: float = setting(0.5, "Share of patches centred on a random foreground label", low=0, high=1)
    rare_labels: bool = setting(False, "Draw the label first, then a case that has it: rare labels are seen as often")


@dataclass(frozen=True)
class AugmentationConfig:
    """Random changes of training patches; a probability of 0 switches one off (4.1)."""

    flip_probability: float = setting(0.5, "Probability of a flip along each of the flipped axes", low=0, high=1)
    flip_axes: tuple[int, ...] = setting(
        (0, 1, 2), "Flipped axes: 0 is R-L, 1 is A-P, 2 is S-I", choices=(0, 1, 2), rule=EACH_ONCE
    )
    rotate90_probability: float = setting(
        0.5, "Probability of a turn by 90, 180 or 270 degrees in the axial plane", low=0, high=1
    )
    affine_probability: float = setting(0.3, "Probability of a rotation and scaling", low=0, high=1)
    rotation_axes: tuple[int, ...] = setting(
        (2,),
        "Axes about which patches turn: 2 alone stays in the axial plane; of several, none leaves thick slices' plane",
        choices=(0, 1, 2),
        entries=(1, 3),
        rule=EACH_ONCE,
    )
    rotation_degrees: float = setting(15.0, "Largest rotation", unit="degrees", low=0, high=180)
    scale_range: tuple[float, float] = setting((0.85, 1.15), "Factors of the scaling", above=0, rule=NOT_FALLING)
    noise_probability: float = setting(0.0, "Probability of Gaussian noise", low=0, high=1)
    noise_range: tuple[float, float] = setting(
        (0.0, 0.1), "Deviations of the noise", unit="of the patch's deviation", low=0, rule=NOT_FALLING
    )
    blur_probability: float = setting(0.0, "Probability of a Gaussian blur", low=0, high=1)
    blur_range: tuple[float, float] = setting(
        (0.5, 1.0), "Deviations of the blur", unit="voxels", above=0, rule=NOT_FALLING
    )
    brightness_probability: float = setting(0.0, "Probability of another brightness", low=0, high=1)
    brightness_range: tuple[float, float] = setting((0.75, 1.25), "Factors of intensities", above=0, rule=NOT_FALLING)
    contrast_probability: float = setting(0.0, "Probability of another contrast", low=0, high=1)
    contrast_range: tuple[float, float] = setting(
        (0.75, 1.25), "Factors of intensities' distances from the mean", above=0, rule=NOT_FALLING
    )
    contrast_keeps_range: bool = setting(True, "Whether another contrast stays within minimum and maximum")
    low_resolution_probability: float = setting(0.0, "Probability of a simulated low resolution", low=0, high=1)
    low_resolution_range: tuple[float, float] = setting(
        (0.5, 1.0), "Shares of the voxels that are left along an axis", above=0, high=1, rule=NOT_FALLING
    )
    inverted_gamma_probability: float = setting(
        0.0, "Probability of a gamma correction of the inverted image", low=0, high=1
    )
    gamma_probability: float = setting(0.3, "Probability of a gamma correction", low=0, high=1)
    gamma_range: tuple[float, float] = setting((0.7, 1.5), "Exponents of the corrections", above=0, rule=NOT_FALLING)
    gamma_keeps: str = setting(
        "range", "What a correction keeps: minimum and maximum, or mean and deviation", choices=("range", "statistics")
    )

    def flipped_axes(self) -> tuple[int, ...]:
        """Axes along which the networks have seen mirrored images."""
        return self.flip_axes if self.flip_probability > 0 else ()


@dataclass(frozen=True)
class SearchConfig:
    """The architecture search (3.6, 4.1).

    Iteration numbers refer to a run of `schedule_iterations`; one of `iterations` scales them.
    """

    layers: int = setting(12, "Layers of the search space (L)", low=1, high=MAX_LAYERS)
    levels: int = setting(4, "Resolution levels of the search space (D)", low=1, high=MAX_LEVELS)
    finest: int = setting(
        2, "Working voxels a side of the finest level's: 2 in the paper, 1 is full resolution", choices=FINEST
    )
    delay: Size = setting((0, 0, 0), "Halvings that each axis leaves out first, for thick slices", low=0)
    filters: int = setting(16, "Channels at full resolution; each halving doubles them", low=2, high=MAX_FILTERS)
    batch_size: int = setting(8, "Patches of a step, those of all processes together", low=1, high=LARGEST_BATCH)
    iterations: int = setting(21000, "Length of the search", unit="iterations", low=1, high=MOST_ITERATIONS)
    schedule_iterations: int = setting(
        21000, "Length to which the other numbers of iterations refer", unit="iterations", low=1, high=MOST_ITERATIONS
    )
    warmup: int = setting(1000, "Length of the warm-up, in which the learning rate rises", unit="iterations", low=0)
    weights_only: int = setting(11000, "How long the architecture rests at the start", unit="iterations", low=0)
    milestones: tuple[int, ...] = setting(
        (8000, 16000), "Moments after the warm-up at which the learning rate decays", unit="iterations", low=0
    )
    decay: float = setting(0.5, "Factor of the learning rate at a milestone", low=0)
    learning_rate_start: float = setting(0.025, "Learning rate at the start of the warm-up", above=0)
    learning_rate: float = setting(0.2, "Learning rate of the weights after the warm-up", above=0)
    momentum: float = setting(0.9, "Momentum of the weights' steps", low=0, high=1)
    weight_decay: float = setting(4e-5, "Weight decay", low=0)
    gradient_norm: float = setting(12.0, "Gradients are clipped to it; far above what healthy steps reach", above=0)
    architecture_learning_rate: float = setting(0.008, "Learning rate of the architecture", low=0)
    memory_budget: float = setting(0.8, "Share of the supernet's memory to aim at (sigma of Eq. 10)", above=0, high=1)
    seconds: float = setting(0.0, "Time of a window to aim at in place of the memory; 0 is none", unit="s", low=0)
    topology_weight: float = setting(0.001, "Weight of the topology loss (lambda of Eq. 11)", low=0)
    architecture: str = setting(
        "", "Name or file of an architecture that is taken in place of a search; none as a rule"
    )
    topology_loss: bool = setting(True, "Whether there is a topology loss (Eq. 7); off for the ablation of 4.4.2")
    checkpoint_every: int = setting(100, "From one checkpoint to the next", unit="iterations", low=1)
    seed: int = setting(0, "Seed of all random numbers", low=0)

    @property
    def space(self) -> SearchSpace:
        """The search space that the settings describe."""
        return SearchSpace(self.layers, self.levels, self.finest, self.delay)


@dataclass(frozen=True)
class RaceConfig:
    """Short trainings that choose among candidates after the search; ours, not the paper's."""

    enabled: bool = setting(False, "Choose topology and filters together by a race; the paper's search has none")
    memory: float = setting(
        0.0,
        "What training the winner may need; 0 is the searched share of a network with every edge",
        unit="MiB",
        low=0,
    )
    seconds: float = setting(0.0, "Time that a window through the winner may take; 0 is any", unit="s", low=0)
    seeds: int = setting(1, "Searches that propose candidates, each with a seed of its own", low=1, high=100)
    moments: int = setting(
        0,
        "Earlier moments of a search that propose, too: a half, three quarters, ... of its learning",
        low=0,
        high=10,
    )
    zoo: bool = setting(True, "Whether architectures of the zoo take part that fit the patch: a warm start")
    random: int = setting(2, "Random architectures among the candidates", low=0, high=MOST_CANDIDATES)
    neighbours: int = setting(6, "Changes of the leader that race against it", low=0, high=MOST_CANDIDATES)
    unet: bool = setting(False, "Whether a 3D U-Net takes part")
    steps: int = setting(100, "Length of the first heat", unit="iterations", low=1, high=MOST_ITERATIONS)
    growth: float = setting(3.0, "How much longer each heat is, for so much fewer candidates", low=1.5, high=100)
    heats: int = setting(3, "How many heats there are at most", low=1, high=20)
    validation_cases: int = setting(0, "How many unseen cases rank them; 0 is all", low=0)


@dataclass(frozen=True)
class TrainingConfig:
    """Retraining of a searched architecture from random weights (4.1). Iterations scale as in the search."""

    filters: int = setting(32, "Channels at full resolution; each halving doubles them", low=2, high=MAX_FILTERS)
    batch_size: int = setting(16, "Patches of a step, those of all processes together", low=1, high=LARGEST_BATCH)
    iterations: int = setting(41000, "Length of each fold", unit="iterations", low=1, high=MOST_ITERATIONS)
    schedule_iterations: int = setting(
        41000, "Length to which the other numbers of iterations refer", unit="iterations", low=1, high=MOST_ITERATIONS
    )
    warmup: int = setting(1000, "Length of the warm-up, in which the learning rate rises", unit="iterations", low=0)
    milestones: tuple[int, ...] = setting(
        (8000, 16000, 24000, 32000),
        "Moments after the warm-up at which the learning rate decays",
        unit="iterations",
        low=0,
    )
    decay: float = setting(0.5, "Factor of the learning rate at a milestone", low=0)
    learning_rate_start: float = setting(0.025, "Learning rate at the start of the warm-up", above=0)
    learning_rate: float = setting(0.2, "Learning rate after the warm-up, or at the peak of a cycle", above=0)
    optimizer: str = setting("sgd", "Optimizer; sgd is the paper's", choices=("sgd", "adamw"))
    schedule: str = setting(
        "milestones", "Learning rates; milestones are the paper's", choices=("milestones", "one_cycle", "polynomial")
    )
    momentum: float = setting(0.9, "Momentum of sgd", low=0, high=1)
    weight_decay: float = setting(4e-5, "Weight decay", low=0)
    gradient_norm: float = setting(12.0, "Gradients are clipped to it; far above what healthy steps reach", above=0)
    folds: int = setting(5, "Parts of the cases: so many networks, each validated on its part", low=2, high=MOST_FOLDS)
    validate_every: int = setting(1000, "From one validation to the next", unit="iterations", low=1)
    validation_cases: int = setting(0, "How many of a fold's cases are used while training; 0 is all", low=0)
    average: float = setting(
        0.0, "Decay of the exponential average of the weights, which is kept in their place; 0 is none", low=0, below=1
    )
    deep_supervision: bool = setting(
        False, "Losses at coarser levels, too, each with half the weight of the next finer; heads that are not kept"
    )
    patience: int = setting(0, "Validations without gain after which a fold stops early; 0 is never", low=0)
    validation_overlap: float = setting(0.5, "Overlap of windows while training", unit="of the patch", low=0, below=1)
    checkpoint_every: int = setting(500, "From one checkpoint to the next", unit="iterations", low=1)
    seed: int = setting(0, "Seed of all random numbers, and of the division into folds", low=0)


@dataclass(frozen=True)
class InferenceConfig:
    """Sliding window, ensemble and cleanup."""

    overlap: float = setting(0.625, "Overlap of windows where no stride is given", unit="of the patch", low=0, below=1)
    stride: Size | None = setting(
        None, "From window to window along each axis; wins over the overlap", unit="voxels", low=1
    )
    batch_size: int = setting(1, "Windows at once", low=1, high=LARGEST_BATCH)
    mirror: bool = setting(False, "Average over the flips of the training: up to 8 times the work")
    vote: str = setting(
        "majority", "How the folds agree: by majority, or by mean probability", choices=("majority", "mean")
    )
    largest_component: tuple[int, ...] = setting((), "Label values that keep their largest component only")

"""What was chosen and why, and what of the paper is left out, in sentences."""

from __future__ import annotations

from collections.abc import Collection

from dints.config import Config
from dints.events import SECONDS_AN_HOUR, duration
from dints.plan.predict import RACE, SEARCH, Stages
from dints.space.architecture import Architecture
from dints.zoo.catalogue import AnyDesign


def reasons(
    base: Config,
    config: Config,
    design: AnyDesign,
    hours: float,
    paper: float,
    *,
    searching: bool,
    given: bool,
    by_scans: bool,
) -> tuple[str, ...]:
    """Why the settings are what they are.

    Args:
        base: the settings before.
        config: the settings that were chosen.
        design: the network whose time is planned with.
        hours: that are given.
        paper: seconds that the settings before take at least.
        searching: whether there is a search.
        given: whether the design was.
        by_scans: whether it is the number of scans, not the time, that a larger network would be too much for.
    """
    training, search = config.training, config.search
    time = duration(hours * SECONDS_AN_HOUR)
    first = f"{time} are given; the paper's settings take at least {duration(paper)} here."
    if given:
        second = "The architecture is given; nothing is searched."
    elif searching:
        second = f"Search: {search.iterations} steps of a supernet of {search.filters} filters."
        if config.race.enabled:
            second += (
                " Its proposals race against U shapes: real training tells good from bad, the supernet alone does not."
            )
    else:
        second = "No search: one that is worth its time takes more than a third of what is given. A U shape is trained."
    beside = " beside the search" if searching else ""
    why = "gain from so many scans, as far as is known" if by_scans else f"there is time for{beside}"
    third = (
        f"{_networks(design)} and {_width(design, config)} filters with {training.batch_size} patches of "
        f"{' x '.join(map(str, config.sampling.patch))} are the largest that {why}: "
        f"{training.folds} folds of {training.iterations} steps."
    )
    return first, second, third, *_others(base, config)


def long_search(stages: Stages, worth: float) -> tuple[str, ...]:
    """Says that a search, which was asked for, takes more than the seconds that it is worth."""
    seconds = sum(own for stage, own in stages.items() if stage.split()[0] in (SEARCH, RACE))
    if seconds <= worth:
        return ()
    return (f"The search that is asked for takes {duration(seconds)} of it, which the training lacks.",)


def excess(fixed: Collection[str], seconds: float) -> tuple[str, ...]:
    """Says that settings which were given take longer than the time."""
    named = ", ".join(sorted(fixed)) or "the data"
    return (f"All of it takes {duration(seconds)}, more than is given: {named} stay as they are.",)


def spared(seconds: float) -> tuple[str, ...]:
    """Says that more time than is needed was given."""
    return (f"More steps are not known to gain anything: {duration(seconds)} of the time are left over.",)


def _others(base: Config, config: Config) -> list[str]:
    found = []
    if config.training.optimizer != base.training.optimizer:
        found.append("Few steps learn best with AdamW, one cycle of the rate, and scans as they are oriented.")
    if config.inference.overlap != base.inference.overlap or config.inference.stride != base.inference.stride:
        found.append(f"Windows overlap by {config.inference.overlap:g}: more would take too much of the time.")
    return found


def left_out(base: Config, config: Config, before: AnyDesign, design: AnyDesign) -> tuple[str, ...]:
    """What of the settings before is no longer there, as one sentence; none if nothing is.

    Args:
        before: the network whose time is planned with, in the settings before.
        design: the same in those that were chosen.
    """
    old, new = base.training, config.training
    flipped = base.augmentation.flip_probability > config.augmentation.flip_probability
    found = [
        "the search" if config.search.architecture and not base.search.architecture else "",
        _fewer("layers", _layers(before), _layers(design)),
        _fewer("filters", _width(before, base), _width(design, config)),
        _fewer("voxels a side of the patch", max(base.sampling.patch), max(config.sampling.patch)),
        _fewer("steps a fold", old.iterations, new.iterations),
        _fewer("patches a step", old.batch_size, new.batch_size),
        _fewer("folds", old.folds, new.folds),
        "flips and turns by right angles" if flipped else "",
    ]
    parts = [part for part in found if part]
    return (f"Left out of the paper: {'; '.join(parts)}.",) if parts else ()


def _networks(design: AnyDesign) -> str:
    """What kind of networks, and how deep they are."""
    if isinstance(design, Architecture):
        return f"Networks of {design.space.layers} layers"
    return f"U-Nets of {design.levels} levels"


def _layers(design: AnyDesign) -> int:
    """Of the search space; 0 of a network that is none of it."""
    return design.space.layers if isinstance(design, Architecture) else 0


def _width(design: AnyDesign, config: Config) -> int:
    """Filters: its own, or those of the settings."""
    return design.filters or config.training.filters


def _fewer(name: str, before: int, now: int) -> str:
    return f"{name} ({now} in place of {before})" if now < before else ""

"""Labels and channels of a data set beside those of a model: matched by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dints.config import Config, PreprocessingConfig
from dints.config.scaling import ZSCORE, is_for_each
from dints.data.datalist import DataList
from dints.data.segments import UNNAMED, folded
from dints.errors import InputError
from dints.events import Reporter
from dints.model.transfer import Match


def match_task(config: Config, datalist: DataList, reporter: Reporter) -> tuple[Config, Match]:
    """The model's configuration with the labels and channels of a data set, and what of them it knows.

    Values that the data set does not name are called as the model calls them. Labels that it lacks are given up, as its
    cases would teach that they are not there; the reporter is warned.

    Raises:
        InputError: the data set lacks a channel of the model.
    """
    labels = _named(datalist.labels, config.task.labels)
    channels, known_channels = _matched_channels(config.task.channels, datalist)
    before = [folded(config.task.labels[value]) for value in sorted(config.task.labels)]
    values = sorted(labels)
    classes = tuple(0 if value == 0 else _index(before[1:], folded(labels[value]), first=1) for value in values)
    _say_what_changes(config, [labels[value] for value in values], classes, reporter)
    known_values = sorted(config.task.labels)
    new_value = {known_values[old]: value for value, old in zip(values, classes, strict=True) if old is not None}
    largest = tuple(new_value[value] for value in config.inference.largest_component if value in new_value)
    mapping = replace(
        config,
        task=replace(config.task, labels=labels, channels=channels, ignored=datalist.ignored),
        preprocessing=_with_channels(config.preprocessing, known_channels),
        inference=replace(config.inference, largest_component=largest),
    ).to_mapping()
    return Config.from_mapping(mapping, str(datalist.folder)), Match(classes, known_channels)


def match_labels(known: dict[int, str], others: dict[int, str]) -> dict[int, int]:
    """The value among `others` of each label of the same name; the background is that of both."""
    value_of = {folded(name): value for value, name in others.items() if value}
    found = {value: value_of[folded(name)] for value, name in known.items() if value and folded(name) in value_of}
    return {0: 0, **found}


def _named(found: dict[int, str], known: dict[int, str]) -> dict[int, str]:
    """Labels of a data set; those that nothing names there have the model's name of their value."""
    return {
        value: known.get(value, name) if UNNAMED.fullmatch(name) or value == 0 else name
        for value, name in found.items()
    }


def _matched_channels(known: Sequence[str], datalist: DataList) -> tuple[tuple[str, ...], tuple[int | None, ...]]:
    """Names of the channels, and the model's index of each. As many under other names are taken in order."""
    before = [folded(name) for name in known]
    found = tuple(_index(before, folded(name)) for name in datalist.channels)
    if set(range(len(known))) <= set(found):
        return datalist.channels, found
    if len(known) == len(datalist.channels):
        return tuple(known), tuple(range(len(known)))
    missing = ", ".join(name for index, name in enumerate(known) if index not in found)
    own = ", ".join(datalist.channels)
    raise InputError(f"{datalist.folder}: lacks the model's channel {missing} (it has {own}); name or add it")


def _with_channels(preprocessing: PreprocessingConfig, known: Sequence[int | None]) -> PreprocessingConfig:
    """The scaling of each channel: the model's, and deviations for a new one."""
    if all(index == place for place, index in enumerate(known)):
        return preprocessing
    count = max(index for index in known if index is not None) + 1
    each = is_for_each(preprocessing.intensity)
    scaling = tuple(preprocessing.intensity) if each else (str(preprocessing.intensity),) * count
    intensity = tuple(ZSCORE if index is None else scaling[index] for index in known)
    windows = preprocessing.window
    if is_for_each(windows):
        windows = tuple(windows[index or 0] for index in known)  # type: ignore[misc]  # a tuple of windows
    return replace(preprocessing, intensity=intensity, window=windows)


def _say_what_changes(config: Config, names: Sequence[str], classes: Sequence[int | None], reporter: Reporter) -> None:
    new = [name for name, old in zip(names, classes, strict=True) if old is None]
    if new:
        reporter.message(f"New labels, which begin with random weights: {', '.join(new)}")
    known = [config.task.labels[value] for value in sorted(config.task.labels)]
    lost = [name for index, name in enumerate(known) if index not in classes]
    if lost:
        reporter.warning(
            f"The data set does not have {', '.join(lost)}, so the new model will not segment it; "
            "label it in the new cases to keep it"
        )


def _index(names: Sequence[str], name: str, first: int = 0) -> int | None:
    return names.index(name) + first if name in names else None

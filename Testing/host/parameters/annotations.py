"""Annotations of parameters: defaults, checks of values, hints for widgets."""

from __future__ import annotations

import typing
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Choice",
    "Decimals",
    "Default",
    "Exclude",
    "IsInstance",
    "Maximum",
    "Minimum",
    "NotNone",
    "SingleStep",
    "Validator",
    "WithinRange",
    "findFirstAnnotation",
    "splitAnnotations",
    "unannotatedType",
]


class Default:
    """Value of a parameter that was not set, or a function that makes one."""

    def __init__(self, value: Any = None, *, generator: Callable[[], Any] | None = None) -> None:
        self._value = value
        self._generator = generator

    @property
    def value(self) -> Any:
        return self._generator() if self._generator else self._value


class Validator(ABC):
    """Base of checks."""

    @abstractmethod
    def validate(self, value: Any) -> None:
        """Raises for a value that is refused."""


class NotNone(Validator):
    """Refuses None."""

    def validate(self, value: Any) -> None:
        if value is None:
            raise ValueError("value must not be None")


@dataclass
class IsInstance(Validator):
    """Refuses values of other classes with a TypeError."""

    classtype: Any

    def validate(self, value: Any) -> None:
        if value is not None and not isinstance(value, self.classtype):
            raise TypeError(f"value must be of type {self.classtype}, not {type(value)}: {value!r}")


@dataclass
class WithinRange(Validator):
    """Refuses values outside, both ends allowed."""

    minimum: float
    maximum: float

    def validate(self, value: Any) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"value must be within [{self.minimum}, {self.maximum}], is {value}")


@dataclass
class Minimum(Validator):
    """Refuses smaller values."""

    minimum: float

    def validate(self, value: Any) -> None:
        if value < self.minimum:
            raise ValueError(f"value must not be below {self.minimum}, is {value}")


@dataclass
class Maximum(Validator):
    """Refuses larger values."""

    maximum: float

    def validate(self, value: Any) -> None:
        if value > self.maximum:
            raise ValueError(f"value must not be above {self.maximum}, is {value}")


@dataclass
class Choice(Validator):
    """Refuses values that are not in the list."""

    choices: Any

    def validate(self, value: Any) -> None:
        if value not in self.choices:
            raise ValueError(f"value must be one of {self.choices}, is {value!r}")


@dataclass
class Exclude(Validator):
    """Refuses values that are in the list."""

    excludedValues: Any

    def validate(self, value: Any) -> None:
        if value in self.excludedValues:
            raise ValueError(f"value must not be one of {self.excludedValues}, is {value!r}")


@dataclass
class Decimals:
    """Digits that a spin box or slider shows."""

    value: int


@dataclass
class SingleStep:
    """Step of a spin box or slider."""

    value: float


def splitAnnotations(datatype: Any) -> tuple[Any, tuple]:
    """(type, annotations) of a type that may be an `Annotated` one."""
    if typing.get_origin(datatype) is typing.Annotated:
        return typing.get_args(datatype)[0], typing.get_args(datatype)[1:]
    return datatype, ()


def unannotatedType(datatype: Any) -> Any:
    return splitAnnotations(datatype)[0]


def findFirstAnnotation(annotations: Any, kind: type) -> Any:
    """First annotation of class `kind`; None where there is none."""
    return next((a for a in annotations if isinstance(a, kind)), None)

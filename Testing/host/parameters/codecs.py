"""The codec of each type: how its values are kept in a parameter node."""

from __future__ import annotations

import enum
import typing
from typing import Any

import slicer

from .annotations import IsInstance, NotNone, Validator, splitAnnotations
from .containers import DictCodec, ListCodec, TupleCodec, UnionCodec
from .scalars import PATHS, BoolCodec, Codec, EnumCodec, NodeCodec, NoneCodec


def make_codec(datatype: Any) -> Codec:
    """Codec of a type; its checks include the validators among its annotations. TypeError for unknown types."""
    plain, annotations = splitAnnotations(datatype)
    codec = _codec_of(plain)
    codec.checks = (*codec.checks, *(a for a in annotations if isinstance(a, Validator)))
    return codec


def _codec_of(datatype: Any) -> Codec:
    origin, args = typing.get_origin(datatype), typing.get_args(datatype)
    if origin is typing.Union:
        return UnionCodec([make_codec(arg) for arg in args])
    if origin is list:
        return ListCodec(make_codec(args[0]))
    if origin is tuple:
        return TupleCodec([make_codec(arg) for arg in args])
    if origin is dict:
        return DictCodec(make_codec(args[0]), make_codec(args[1]))
    return _scalar_codec(datatype)


def _scalar_codec(datatype: Any) -> Codec:
    if datatype is type(None):
        return NoneCodec(datatype)
    if datatype is float:
        return Codec(float, (NotNone(), IsInstance((int, float))))
    if datatype is bool:
        return BoolCodec(bool, (NotNone(), IsInstance(bool)))
    if datatype in (int, str, *PATHS):
        return Codec(datatype, (NotNone(), IsInstance(datatype)))
    if isinstance(datatype, type) and issubclass(datatype, enum.Enum):
        return EnumCodec(datatype, (NotNone(), IsInstance(datatype)))
    if isinstance(datatype, type) and issubclass(datatype, slicer.vtkMRMLNode):
        return NodeCodec(datatype, (IsInstance(datatype),))
    raise TypeError(f"no parameter can be of type {datatype}")

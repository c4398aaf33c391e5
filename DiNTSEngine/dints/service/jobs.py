"""What the worker is asked: messages of one line each, checked before anything is done with them.

A job is {"job": 7, "command": "segment", ...}; the fields of each command are in `FIELDS`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from dints.config import InferenceConfig
from dints.errors import InputError, brief

LONGEST_LINE = 2**20  # characters; a job has some hundreds, and what is longer is not kept in memory
LARGEST_NUMBER = 10**6  # of voxels along an axis, and of mm from one to the next
FIELDS: dict[str, dict[str, tuple[type, ...]]] = {
    "segment": {
        "model": (str,),
        "inputs": (list,),  # one file a channel
        "output": (str,),
        "disagreement": (str, type(None)),  # file for the map of where the folds disagree
        "statistics": (bool, type(None)),  # whether the result carries volume, surface and mean of each label
        "device": (str, type(None)),
        "options": (dict, type(None)),  # keyword arguments of `Predictor.predict`; null means the model's own
    },
    "estimate": {
        "model": (str,),
        "size": (list,),  # voxels along R, A and S
        "spacing": (list,),  # mm
        "device": (str, type(None)),
        "options": (dict, type(None)),
    },
}


def read_lines(source: TextIO) -> Iterator[str]:
    """The lines of a stream that are not blank; of one that is too long, a piece that `parse_job` refuses."""
    whole = True
    while line := source.readline(LONGEST_LINE):
        begins, whole = whole, line.endswith("\n")
        if begins and line.strip():
            yield line


def parse_job(line: str) -> dict[str, Any]:
    """The object of a line; InputError if it is none."""
    if len(line) >= LONGEST_LINE:
        raise InputError(f"job: is longer than {LONGEST_LINE} characters; send less in one line")
    try:
        job = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(f"job: is not valid JSON ({error}); send one object a line") from error
    if not isinstance(job, dict):
        raise InputError(f"job: is {type(job).__name__}, not an object; send one object a line")
    return job


def job_number(job: Mapping[str, Any]) -> int | str | None:
    """What its events are to carry."""
    number = job.get("job")
    if number is not None and not isinstance(number, int | str):
        raise InputError(f"job: its number is {brief(number)}; give a whole number or a text")
    return number


def check_fields(job: Mapping[str, Any]) -> str:
    """The job's command; InputError if it is unknown, or a field is unknown, missing or of the wrong type."""
    command = job.get("command")
    if not isinstance(command, str) or command not in FIELDS:
        raise InputError(f"job: command {brief(command)} is unknown; use {' or '.join(FIELDS)}")
    fields = FIELDS[command]
    unknown = sorted(set(job) - set(fields) - {"job", "command"})
    if unknown:
        raise InputError(f"job: field {brief(unknown[0])} is unknown; {command} takes {', '.join(fields)}")
    for name, types in fields.items():
        if not isinstance(job.get(name), types):
            raise InputError(f"job: {name} is {brief(job.get(name))}; {command} needs a {types[0].__name__}")
        if isinstance(job.get(name), str):
            check_text(job[name], name)
    return command


def check_text(value: Any, name: str) -> str:
    """A string that can name a file; InputError for anything else."""
    try:
        if isinstance(value, str) and "\0" not in value:
            value.encode()
            return value
    except UnicodeEncodeError:
        pass  # half of a surrogate pair
    raise InputError(f"job: {name} is {brief(value)}; give text without null characters")


def options_of(job: Mapping[str, Any]) -> dict[str, Any]:
    """The options that were given, as keyword arguments of `Predictor.predict`."""
    options = {name: value for name, value in (job.get("options") or {}).items() if value is not None}
    known = ("folds", "region", "exhaustive", *(field.name for field in dataclasses.fields(InferenceConfig)))
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise InputError(f"job: option {brief(unknown[0])} is unknown; use some of {', '.join(known)}")
    return options


def output_paths(job: Mapping[str, Any]) -> list[Path]:
    """The files that the job writes."""
    return [Path(job[name]) for name in ("output", "disagreement") if job.get(name)]


def input_paths(job: Mapping[str, Any]) -> list[Path]:
    """The files of the channels."""
    if not job["inputs"]:
        raise InputError("job: inputs is []; give the path of one file a channel")
    return [Path(check_text(value, "inputs")) for value in job["inputs"]]


def triple(job: Mapping[str, Any], name: str, kind: Callable[[Any], Any]) -> tuple[Any, Any, Any]:
    """Three positive numbers."""
    try:
        x, y, z = (kind(value) for value in job[name])
    except (TypeError, ValueError, OverflowError):
        raise InputError(f"job: {name} is {brief(job[name])}; give three numbers, along R, A and S") from None
    if not all(0 < value < LARGEST_NUMBER for value in (x, y, z)):
        raise InputError(f"job: {name} is {brief(job[name])}; give positive numbers below {LARGEST_NUMBER}")
    return x, y, z

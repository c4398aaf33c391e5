"""Names that label files carry themselves: 3D Slicer's segmentations say which value is which segment."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import SimpleITK as sitk

from dints.data.cases import Case, Problem
from dints.data.itk import itk_name, quiet

SEGMENT_FILE = ".seg.nrrd"
NAME_KEY = re.compile(r"Segment(\d+)_Name")
UNNAMED = re.compile(r"label \d+")  # what values are called that nothing names
REMEDY = "give the same segments the same values in all files (Slicer exports them so with a color table)"


def named_values(path: Path) -> dict[int, str]:
    """Name of each label value that the header of a label file tells; {} where it tells none, or cannot be read."""
    if not path.name.lower().endswith(SEGMENT_FILE):
        return {}
    reader = sitk.ImageFileReader()
    reader.SetFileName(itk_name(path))
    try:
        with quiet():
            reader.ReadImageInformation()
    except RuntimeError:  # the check of the file itself says why
        return {}
    found = {}
    for key in reader.GetMetaDataKeys():
        match = NAME_KEY.fullmatch(key)
        value_key = f"Segment{match[1]}_LabelValue" if match else ""
        if match and reader.HasMetaDataKey(value_key) and reader.GetMetaData(value_key).strip().isdecimal():
            found[int(reader.GetMetaData(value_key))] = reader.GetMetaData(key).strip()
    return found


def name_problems(cases: Sequence[Case], labels: Mapping[int, str]) -> list[Problem]:
    """Files that name values otherwise than declared, or than most files do: two structures would be mixed."""
    named = {case: found for case in cases if case.label and (found := named_values(case.label))}
    problems = []
    for value in sorted({value for found in named.values() for value in found}):
        expected = labels.get(value, "")
        if not expected or UNNAMED.fullmatch(expected):
            expected = Counter(found[value] for found in named.values() if value in found).most_common(1)[0][0]
        for case, found in named.items():
            if value in found and found[value].casefold() != expected.casefold():
                reason = f"calls value {value} {found[value]!r}, where it is {expected!r} elsewhere"
                problems.append(Problem(str(case.label), reason, REMEDY, case=case.name))
    return problems

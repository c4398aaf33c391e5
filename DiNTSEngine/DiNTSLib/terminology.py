"""Colour and terminology tag of a segment, from the name of its label.

Codes are SNOMED CT's, as in Slicer's default terminology ("Segmentation category and type - DICOM master list").
"""

from __future__ import annotations

import colorsys
import re
from dataclasses import dataclass

import slicer

CONTEXT = "Segmentation category and type - DICOM master list"
REGIONS = "Anatomic codes - DICOM master list"
TISSUE = ("SCT", "85756007", "Tissue")
STRUCTURE = ("SCT", "123037004", "Anatomical Structure")
LESION = ("SCT", "49755003", "Morphologically Altered Structure")
LEFT, RIGHT = ("SCT", "7771000", "Left"), ("SCT", "24028007", "Right")
NOTHING = ("", "", "")

UNKNOWN_COLOR = (127, 127, 127)  # of Slicer, for a structure that its terminology gives none

GOLDEN_RATIO = 0.618034  # steps of hue by it keep any number of colours apart
SATURATION, BRIGHTNESS = 0.55, 0.9  # of generated colours: readable over a grey image

Code = tuple[str, str, str]
Color = tuple[float, float, float]

# name in a label: (category, code, meaning). What is altered comes first: "lung cancer" is no lung.
KNOWN: dict[str, tuple[Code, str, str]] = {
    "tumor": (LESION, "4147007", "Mass"),
    "tumour": (LESION, "4147007", "Mass"),
    "cancer": (LESION, "4147007", "Mass"),
    "lesion": (LESION, "52988006", "Lesion"),
    "cyst": (LESION, "367643001", "Cyst"),
    "edema": (LESION, "79654002", "Edema"),
    "oedema": (LESION, "79654002", "Edema"),
    "necrosis": (LESION, "6574001", "Necrosis"),
    "vessel": (STRUCTURE, "59820001", "Blood vessel"),
    "aorta": (STRUCTURE, "15825003", "Aorta"),
    "artery": (STRUCTURE, "51114001", "Artery"),
    "vein": (STRUCTURE, "29092000", "Vein"),
    "hippocampus": (STRUCTURE, "5366008", "Hippocampus"),
    "liver": (STRUCTURE, "10200004", "Liver"),
    "spleen": (STRUCTURE, "78961009", "Spleen"),
    "pancreas": (STRUCTURE, "15776009", "Pancreas"),
    "kidney": (STRUCTURE, "64033007", "Kidney"),
    "stomach": (STRUCTURE, "69695003", "Stomach"),
    "gallbladder": (STRUCTURE, "28231008", "Gallbladder"),
    "colon": (STRUCTURE, "71854001", "Colon"),
    "duodenum": (STRUCTURE, "38848004", "Duodenum"),
    "bladder": (STRUCTURE, "89837001", "Urinary bladder"),
    "prostate": (STRUCTURE, "41216001", "Prostate"),
    "lung": (STRUCTURE, "39607008", "Lung"),
    "atrium": (STRUCTURE, "59652004", "Atrium"),
    "ventricle": (STRUCTURE, "21814001", "Ventricle of heart"),
    "heart": (STRUCTURE, "80891009", "Heart"),
    "brain": (STRUCTURE, "12738006", "Brain"),
    "vertebra": (STRUCTURE, "51282000", "Vertebra"),
    "bone": (TISSUE, "272673000", "Bone"),
    "muscle": (TISSUE, "71616004", "Muscle"),
}


@dataclass(frozen=True)
class SegmentStyle:
    """How a label appears as a segment: its name, colour (0..1) and serialized terminology entry."""

    name: str
    color: Color
    terminology: str


def styleFor(name: str, value: int = 1) -> SegmentStyle:
    """Style of the label `name`: the code and colour of a structure that Slicer's terminology knows, else a tissue.

    Args:
        value: of the label; chooses the colour where the terminology has none.
    """
    key = _known(name)
    if key is None:
        return SegmentStyle(name, _generatedColor(value), _serialized(TISSUE, TISSUE, NOTHING))
    category, code, meaning = KNOWN[key]
    terminology = _serialized(category, ("SCT", code, meaning), _side(name))
    return SegmentStyle(name, _recommendedColor(terminology) or _generatedColor(value), terminology)


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z]+", name.lower())


def _known(name: str) -> str | None:
    """The first key of `KNOWN` that a name holds as a word, in singular or plural."""
    forms = {form for word in _words(name) for form in (word, word.removesuffix("s"), word.removesuffix("es"))}
    return next((key for key in KNOWN if key in forms), None)


def _side(name: str) -> Code:
    words = _words(name)
    return LEFT if "left" in words else RIGHT if "right" in words else NOTHING


def _recommendedColor(terminology: str) -> Color | None:
    """The colour that Slicer's terminology gives a structure."""
    entry = slicer.vtkSlicerTerminologyEntry()
    slicer.modules.terminologies.logic().DeserializeTerminologyEntry(terminology, entry)
    kind = entry.GetTypeObject()
    color = tuple(kind.GetRecommendedDisplayRGBValue()) if kind else UNKNOWN_COLOR
    return None if color == UNKNOWN_COLOR else tuple(part / 255 for part in color)


def _generatedColor(value: int) -> Color:
    return colorsys.hsv_to_rgb(value * GOLDEN_RATIO % 1, SATURATION, BRIGHTNESS)


def _serialized(category: Code, kind: Code, modifier: Code) -> str:
    """Slicer's form of an entry: contexts and codes separated by ~, the parts of a code by ^."""
    codes = ["^".join(code) for code in (category, kind, modifier)]
    region = "^".join(NOTHING)
    return "~".join([CONTEXT, *codes, REGIONS, region, region])

"""Colours and terminology tags of segments: those of the model, else from the names of the labels.

Codes are SNOMED CT's, as in Slicer's default terminology ("Segmentation category and type - DICOM master list").
"""

from __future__ import annotations

import colorsys
import re
from collections.abc import Mapping
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
    "lesion": (LESION, "4147007", "Mass"),  # Slicer's list has no lesion
    "cyst": (LESION, "367643001", "Cyst"),
    "edema": (LESION, "79654002", "Edema"),
    "oedema": (LESION, "79654002", "Edema"),
    "necrosis": (LESION, "6574001", "Necrosis"),
    "vessel": (STRUCTURE, "59820001", "Blood Vessel"),
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
    "bladder": (STRUCTURE, "89837001", "Bladder"),
    "prostate": (STRUCTURE, "41216001", "Prostate"),
    "lung": (STRUCTURE, "39607008", "Lung"),
    "atrium": (STRUCTURE, "59652004", "Atrium"),
    "ventricle": (STRUCTURE, "21814001", "Ventricle"),
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


def segmentStyles(
    labels: Mapping[int, str], chosen: Mapping[int, Mapping[str, str]] | None = None
) -> dict[int, SegmentStyle]:
    """Styles of labels: what was chosen, else what follows from the name.

    A name that holds a structure of Slicer's terminology gives code and colour, any other is a tissue. Colours that the
    terminology does not give, or gives to an earlier label already, are generated.

    Args:
        labels: {value: name}.
        chosen: {value: {"color": "#rrggbb", "terminology": serialized entry}}, each of them optional.
    """
    styles: dict[int, SegmentStyle] = {}
    for value, name in sorted(labels.items()):
        own = (chosen or {}).get(value, {})
        terminology = own.get("terminology") or terminologyOf(name)
        color = _fromHex(own["color"]) if own.get("color") else _recommendedColor(terminology)
        isTaken = any(style.color == color for style in styles.values())
        if color is None or (isTaken and not own.get("color")):
            color = _generatedColor(value)
        styles[value] = SegmentStyle(name, color, terminology)
    return styles


def terminologyOf(name: str) -> str:
    """The serialized entry of the structure that a name holds; that of a tissue where it holds none."""
    key = _known(name)
    if key is None:
        return _serialized(TISSUE, TISSUE, NOTHING)
    category, code, meaning = KNOWN[key]
    return _serialized(category, ("SCT", code, meaning), _side(name))


def meaning(terminology: str) -> str:
    """A serialized entry in words, such as "Kidney, Left"."""
    kind, modifier = (code.split("^")[2] for code in terminology.split("~")[2:4])
    return f"{kind}, {modifier}" if modifier else kind


def structures() -> list[str]:
    """The serialized entries of all known structures, by meaning."""
    entries = {_serialized(category, ("SCT", code, text), NOTHING) for category, code, text in KNOWN.values()}
    return sorted(entries, key=meaning)


def toHex(color: Color) -> str:
    """ "#rrggbb" of a colour (0..1)."""
    return "#" + "".join(f"{round(255 * part):02x}" for part in color)


def _fromHex(text: str) -> Color:
    red, green, blue = bytes.fromhex(text.removeprefix("#"))
    return red / 255, green / 255, blue / 255


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
    """The colour that Slicer's terminology gives a structure, or a side of it; none is given to tissue as such."""
    if terminology == _serialized(TISSUE, TISSUE, NOTHING):
        return None
    logic, entry = slicer.modules.terminologies.logic(), slicer.vtkSlicerTerminologyEntry()
    logic.DeserializeTerminologyEntry(terminology, entry)
    try:
        logic.UpdateEntryFromLoadedTerminologies(entry, [], [])
    except TypeError:  # Slicer 5.8 takes no lists of preferred terminologies
        logic.UpdateEntryFromLoadedTerminologies(entry)
    objects = (entry.GetTypeModifierObject(), entry.GetTypeObject())
    colors = [tuple(found.GetRecommendedDisplayRGBValue()) for found in objects if found]
    return next((tuple(part / 255 for part in color) for color in colors if color != UNKNOWN_COLOR), None)


def _generatedColor(value: int) -> Color:
    return colorsys.hsv_to_rgb(value * GOLDEN_RATIO % 1, SATURATION, BRIGHTNESS)


def _serialized(category: Code, kind: Code, modifier: Code) -> str:
    """Slicer's form of an entry: contexts and codes separated by ~, the parts of a code by ^."""
    codes = ["^".join(code) for code in (category, kind, modifier)]
    region = "^".join(NOTHING)
    return "~".join([CONTEXT, *codes, REGIONS, region, region])

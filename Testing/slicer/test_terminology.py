"""Names of labels to codes of Slicer's terminology, and colours of segments."""

from __future__ import annotations

import json
import types
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Liver", "10200004^Liver"),
        ("left kidney", "64033007^Kidney~SCT^7771000^Left"),
        ("kidneys", "64033007^Kidney~^^"),
        ("lung cancer", "4147007^Mass"),
        ("non-enhancing tumor", "4147007^Mass"),
        ("Hepatic_vessels", "59820001^Blood Vessel"),
        ("label 3", "85756007^Tissue"),
        ("boneless", "85756007^Tissue"),
        ("", "85756007^Tissue"),
    ],
)
def test_names_lead_to_codes(host: Any, name: str, code: str) -> None:
    import slicer

    from DiNTSLib.terminology import meaning, terminologyOf

    terminology = terminologyOf(name)
    assert code in terminology
    entry = slicer.vtkSlicerTerminologyEntry()
    assert slicer.modules.terminologies.logic().DeserializeTerminologyEntry(terminology, entry)
    assert entry.GetTypeObject().GetCodeMeaning() == meaning(terminology).partition(",")[0]


def test_generated_colours_differ(host: Any) -> None:
    from DiNTSLib.terminology import segmentStyles

    colours = [style.color for style in segmentStyles({value: f"label {value}" for value in range(1, 20)}).values()]
    assert len({tuple(round(part, 2) for part in colour) for colour in colours}) == len(colours)


def test_what_was_chosen_is_kept(host: Any) -> None:
    from DiNTSLib.terminology import meaning, segmentStyles, structures, toHex

    (pancreas,) = [entry for entry in structures() if meaning(entry) == "Pancreas"]
    styles = segmentStyles({1: "liver", 2: "spleen"}, {1: {"color": "#102030"}, 2: {"terminology": pancreas}})
    assert toHex(styles[1].color) == "#102030"
    assert meaning(styles[1].terminology) == "Liver"
    assert (styles[2].name, styles[2].terminology) == ("spleen", pancreas)


@pytest.fixture
def colours(host: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loaded terminology with the colours of Slicer's own: of masses, and of each kidney."""
    import slicer

    side = {"CodingSchemeDesignator": "SCT", "CodeValue": "7771000", "CodeMeaning": "Left"}
    kidney = {"CodingSchemeDesignator": "SCT", "CodeValue": "64033007", "CodeMeaning": "Kidney"}
    mass = {"CodingSchemeDesignator": "SCT", "CodeValue": "4147007", "CodeMeaning": "Mass"}
    categories = [
        category("123037004", "Anatomical Structure", kidney | {"Modifier": [side | colour(185, 102, 83)]}),
        category("49755003", "Morphologically Altered Structure", mass | colour(144, 238, 144)),
    ]
    name = "Segmentation category and type - DICOM master list"
    schema = "https://raw.githubusercontent.com/qiicr/dcmqi/master/doc/schemas/segment-context-schema.json#"
    content = {"SegmentationCategoryTypeContextName": name, "@schema": schema}
    path = tmp_path / "terminology.json"
    path.write_text(json.dumps(content | {"SegmentationCodes": {"Category": categories}}), encoding="utf-8")
    logic = slicer.vtkSlicerTerminologiesModuleLogic()
    assert logic.LoadTerminologyFromFile(str(path)) == name
    monkeypatch.setattr(slicer.modules, "terminologies", types.SimpleNamespace(logic=lambda: logic))


def category(code: str, meaning: str, kind: dict[str, Any]) -> dict[str, Any]:
    codes = {"CodingSchemeDesignator": "SCT", "CodeValue": code, "CodeMeaning": meaning, "showAnatomy": "false"}
    return codes | {"Type": [kind]}


def colour(*parts: int) -> dict[str, Any]:
    return {"recommendedDisplayRGBValue": list(parts)}


def test_colours_are_those_of_slicers_terminology(colours: None) -> None:
    from DiNTSLib.terminology import segmentStyles, toHex

    styles = segmentStyles({1: "left kidney", 2: "kidney tumour", 3: "lung"})
    assert [toHex(styles[value].color) for value in (1, 2)] == ["#b96653", "#90ee90"]


def test_labels_of_the_same_structure_have_colours_of_their_own(colours: None) -> None:
    from DiNTSLib.terminology import segmentStyles

    styles = segmentStyles({1: "enhancing tumour", 2: "tumour core"})
    assert styles[1].terminology == styles[2].terminology
    assert styles[1].color != styles[2].color

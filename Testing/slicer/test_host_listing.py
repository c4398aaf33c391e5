"""The classes of the host against the listing of a running Slicer: nothing extra, and everything of its own kind."""

from __future__ import annotations

import json
import types
from pathlib import Path
from typing import Any

import pytest

RELIED_ON = {
    "slicer.qMRMLNodeComboBox": "nodeTypes noneEnabled addEnabled removeEnabled renameEnabled baseName showHidden "
    "showChildNodeTypes currentNodeID currentNode setCurrentNode setCurrentNodeID addNode nodeCount currentNodeChanged",
    "slicer.qMRMLSegmentsTableView": "segmentationNode setSegmentationNode selectedSegmentIDs setMRMLScene",
    "slicer.qMRMLSegmentationShow3DButton": "segmentationNode setSegmentationNode checked",
    "ctk.ctkCollapsibleButton": "text collapsed contentsCollapsed",
    "ctk.ctkPathLineEdit": "currentPath filters nameFilters settingKey addCurrentPathToHistory currentPathChanged "
    "Files",
    "ctk.ctkSliderWidget": "value minimum maximum singleStep decimals suffix valueChanged",
    "ctk.ctkRangeWidget": "minimumValue maximumValue setValues valuesChanged",
    "ctk.ctkDirectoryButton": "directory directoryChanged",
    "ctk.ctkCheckableComboBox": "addItem checkedIndexes checkedIndexesChanged",
    "ctk.ctkFittedTextBrowser": "setText html",
    "ctk.ctkMessageBox": "text icon standardButtons dontShowAgainSettingsKey exec",
    "qt.QProgressBar": "value maximum text",
    "qt.QPlainTextEdit": "plainText toPlainText appendPlainText",
    "qt.QTimer": "start stop singleShot timeout interval",
    "qt.QProcess": "start state readAllStandardOutput finished kill setProcessEnvironment",
    "qt.QSettings": "value setValue contains remove",
    "slicer.app": "connect startupCompleted aboutToQuit processEvents testingEnabled temporaryPath startupEnvironment "
    "layoutManager applicationLogic settings userSettings",
}


@pytest.fixture(scope="session")
def proxies(running_host: Any) -> dict[str, type]:
    """The host's classes by listed name."""
    import ctk
    import qt
    import slicer

    members = [value for module in (qt, ctk, slicer) for value in vars(module).values()]
    classes = [member for member in members if isinstance(member, type) and hasattr(member, "listed_as")]
    return {cls.listed_as: cls for cls in (*classes, type(slicer.app))}


@pytest.fixture(scope="session")
def full_listing(slicer_listing: Path) -> dict[str, dict]:
    """Slicer's classes with what they inherit from QWidget or QObject."""
    classes = json.loads(slicer_listing.read_text(encoding="utf-8"))["classes"]
    return {name: complete(classes, name) for name in classes}


def complete(classes: dict[str, dict], name: str) -> dict[str, set[str]]:
    entry = classes[name]
    parts = [entry, classes["qt.QObject"]] + [classes["qt.QWidget"]] * bool(entry.get("widget"))
    if "static" in entry or name == "qt.QWidget" or "className" in entry["method"]:
        parts = parts[:1] if name != "qt.QWidget" else parts
    return {
        kind: {n for part in parts for n in part.get(kind, ())}
        for kind in ("property", "method", "enum", "signal", "static")
    }


def test_no_class_has_a_member_that_slicer_lacks(proxies: dict[str, type], full_listing: dict[str, dict]) -> None:
    extra = {}
    for name in set(proxies) & set(full_listing):
        listed = set().union(*(full_listing[name][kind] for kind in ("property", "method", "enum", "static")))
        extra[name] = set(dir_of(proxies[name])) - listed - {"className", "inherits", "delete"}
    assert {name: members for name, members in extra.items() if members} == {}


def dir_of(cls: type) -> set[str]:
    """Public attributes of the class and its bases, without what every proxy class carries for itself."""
    bookkeeping = {"signals", "listed_as", "member_names"}
    return {n for n in dir(cls) if not n.startswith("_") and hasattr(cls, n)} - bookkeeping


def test_properties_are_properties_and_methods_are_methods(
    proxies: dict[str, type], full_listing: dict[str, dict]
) -> None:
    wrong = []
    for name in set(proxies) & set(full_listing):
        listed = full_listing[name]
        for member in dir_of(proxies[name]) & (listed["property"] | listed["method"] | listed["enum"]):
            value = next(vars(base)[member] for base in proxies[name].__mro__ if member in vars(base))
            is_property, is_number = isinstance(value, property), type(value) is int
            if is_property != (member in listed["property"]) or is_number != (member in listed["enum"]):
                wrong.append(f"{name}.{member}")
    assert wrong == []


def test_signals_are_those_that_slicer_lists(proxies: dict[str, type], full_listing: dict[str, dict]) -> None:
    for name in set(proxies) & set(full_listing):
        assert proxies[name].signals <= full_listing[name]["signal"] or full_listing[name]["static"], name


@pytest.mark.parametrize("name", sorted(RELIED_ON))
def test_what_panels_rely_on_is_there(proxies: dict[str, type], name: str) -> None:
    assert [member for member in RELIED_ON[name].split() if not hasattr(proxies[name], member)] == []


def test_what_is_not_in_slicer_is_not_in_the_host(running_host: Any, slicer_listing: Path) -> None:
    import ctk
    import qt
    import slicer

    places = {"qt": qt, "ctk": ctk, "slicer": slicer}
    for name in json.loads(slicer_listing.read_text(encoding="utf-8"))["not_there"]:
        module, member = name.split(".")
        assert not hasattr(places[module], member)
    assert not hasattr(slicer, "packaging")


def test_slicer_util_has_the_names_of_5_8_only(running_host: Any, slicer_listing: Path) -> None:
    import slicer

    listed = set(json.loads(slicer_listing.read_text(encoding="utf-8"))["slicer_util"])
    assert isinstance(slicer.util, types.ModuleType)
    assert {n for n in dir(slicer.util) if not n.startswith("_") and hasattr(slicer.util, n)} <= listed
    with pytest.raises(AttributeError):
        slicer.util.executePythonModule  # noqa: B018 (reading it is the test)


def test_the_committed_listing_is_part_of_slicers(running_host: Any, slicer_listing: Path) -> None:
    from Testing.host import api

    full = json.loads(slicer_listing.read_text(encoding="utf-8"))
    committed = json.loads(api.API_FILE.read_text(encoding="ascii"))
    assert committed["slicer_util"] == full["slicer_util"]
    assert committed["classes"].items() <= full["classes"].items()
    assert not set(committed["supplement"]) & set(full["classes"])

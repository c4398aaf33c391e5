"""CMake packages only what is listed: the lists must be the tree."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = ("DiNTSEngine", "DiNTSSegmentation", "DiNTSSearch")
SOURCE_ONLY = {"CMakeLists.txt", "ruff.toml"}  # of a module's folder: for building and checking it
LEFT_BEHIND = re.compile(r"^\.|__pycache__|egg-info")  # by tools, in the names of files and folders
PACKAGED = (".py", ".yaml", ".ui", ".svg", ".png", ".zip", ".json")
ICON_BYTES = 30_000


def listed(module: str, variable: str) -> list[str]:
    """The files of a list in a module's CMakeLists.txt."""
    text = (REPOSITORY / module / "CMakeLists.txt").read_text(encoding="utf-8")
    content = re.search(rf"set\({variable}\s([^)]*)\)", text)[1]
    return content.replace("${MODULE_NAME}", module).split()


def tree(module: str) -> set[str]:
    """The files of a module's folder, without what building or running leaves there."""
    folder = REPOSITORY / module
    found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    kept = {path for path in found if not any(LEFT_BEHIND.search(part) for part in path.parts)}
    return {path.as_posix() for path in kept if path.name not in SOURCE_ONLY}


@pytest.mark.parametrize("module", MODULES)
def test_every_file_of_a_module_is_listed_once(module: str) -> None:
    scripts, resources = listed(module, "MODULE_PYTHON_SCRIPTS"), listed(module, "MODULE_PYTHON_RESOURCES")
    assert sorted(scripts) == sorted(path for path in tree(module) if path.endswith(".py") and "Resources" not in path)
    assert sorted(resources) == sorted(path for path in tree(module) - set(scripts))
    assert all(path.endswith(PACKAGED) for path in resources)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_folder_holds_one_python_file(module: str) -> None:
    assert [path.name for path in (REPOSITORY / module).glob("*.py")] == [f"{module}.py"]


def test_the_engines_presets_are_packaged() -> None:
    presets = {f"dints/presets/{path.name}" for path in (REPOSITORY / "DiNTSEngine/dints/presets").iterdir()}
    assert len(presets) > 10
    assert presets <= set(listed("DiNTSEngine", "MODULE_PYTHON_RESOURCES"))


def test_the_extension_builds_all_modules() -> None:
    text = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
    assert re.findall(r"add_subdirectory\((\w+)\)", text) == list(MODULES)
    assert re.search(r'set\(EXTENSION_DEPENDS "PyTorch"\)', text)
    for name in re.findall(r"main/(Resources/[\w/.-]+)", text):
        assert (REPOSITORY / name).is_file(), name


@pytest.mark.parametrize("module", MODULES)
def test_a_module_has_an_square_icon_of_its_own(module: str) -> None:
    icon = REPOSITORY / module / "Resources" / "Icons" / f"{module}.svg"
    left, top, width, height = map(float, ElementTree.parse(icon).getroot().get("viewBox").split())
    assert (left, top) == (0, 0)
    assert width == height
    assert icon.stat().st_size < ICON_BYTES

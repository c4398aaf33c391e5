"""What CMake packages, told by CMake itself: every file of a module, and nothing that tools left in the tree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = ("DiNTSEngine", "DiNTSSegmentation", "DiNTSSearch")
SOURCE_ONLY = {"CMakeLists.txt", "ruff.toml"}  # of a module's folder: for building and checking it
LEFT_BEHIND = re.compile(r"^\.|__pycache__|egg-info")  # by tools, in the names of files and folders
ICON_BYTES = 30_000
# A project around one module, in which Slicer's macro writes down what it is given.
PROJECT = """
cmake_minimum_required(VERSION 3.16.3...3.19.7)
project(Packaging NONE)
macro(slicerMacroBuildScriptedModule)
  cmake_parse_arguments(MODULE "WITH_GENERIC_TESTS" "NAME" "SCRIPTS;RESOURCES" ${ARGN})
  file(WRITE ${CMAKE_BINARY_DIR}/scripts.txt "${MODULE_SCRIPTS}")
  file(WRITE ${CMAKE_BINARY_DIR}/resources.txt "${MODULE_RESOURCES}")
endmacro()
add_custom_target(module ALL)
add_subdirectory(module)
"""


def tree(module: str) -> set[str]:
    """The files of a module's folder, without what building or running leaves there."""
    folder = REPOSITORY / module
    found = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    kept = {path for path in found if not any(LEFT_BEHIND.search(part) for part in path.parts)}
    return {path.as_posix() for path in kept if path.name not in SOURCE_ONLY}


class Build:
    """A build of a copy of a module, in which all files but CMakeLists.txt are empty."""

    def __init__(self, module: str, folder: Path) -> None:
        self.source, self._folder = folder / "module", folder
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        self._cmake = shutil.which("cmake", path=path)
        if self._cmake is None or shutil.which("make") is None:
            pytest.skip("packaging is told by CMake and make, which are not installed")
        for file in tree(module):
            self.add(file)
        shutil.copy(REPOSITORY / module / "CMakeLists.txt", self.source)
        (folder / "CMakeLists.txt").write_text(PROJECT)
        self._run("-S", folder, "-B", folder / "build", "-G", "Unix Makefiles")

    def add(self, file: str) -> None:
        (self.source / file).parent.mkdir(parents=True, exist_ok=True)
        (self.source / file).touch()

    def build(self) -> None:
        self._run("--build", self._folder / "build")

    def packaged(self, kind: str) -> list[str]:
        return (self._folder / "build" / f"{kind}.txt").read_text().split(";")

    def _run(self, *arguments: str | Path) -> None:
        subprocess.run([self._cmake, *arguments], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(params=MODULES)
def module(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def build(module: str, tmp_path: Path) -> Build:
    return Build(module, tmp_path)


def test_every_file_of_a_module_is_packaged_once(module: str, build: Build) -> None:
    scripts, resources = build.packaged("scripts"), build.packaged("resources")
    assert sorted(scripts) == sorted(path for path in tree(module) if path.endswith(".py") and "Resources" not in path)
    assert sorted(resources) == sorted(tree(module) - set(scripts))


def test_a_file_that_comes_later_is_packaged_and_what_tools_leave_is_not(module: str, build: Build) -> None:
    package = next(path for path in build.packaged("scripts") if path.endswith("__init__.py")).rsplit("/", 1)[0]
    before = set(build.packaged("scripts") + build.packaged("resources"))
    for junk in (f"{package}/__pycache__/new.cpython-311.pyc", f"{package}/new.py.orig", "Resources/UI/new.ui~"):
        build.add(junk)
    build.add(f"{package}/new.py")
    build.build()
    assert set(build.packaged("scripts") + build.packaged("resources")) - before == {f"{package}/new.py"}


def test_a_module_folder_holds_one_python_file(module: str) -> None:
    assert [path.name for path in (REPOSITORY / module).glob("*.py")] == [f"{module}.py"]


def test_the_wheel_takes_the_engines_resources_too() -> None:
    engine = REPOSITORY / "DiNTSEngine/dints"
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    patterns = re.findall(r'"([^"]+)"', re.search(r"^dints = \[(.*)\]$", text, re.MULTILINE)[1])
    taken = {f"dints/{path.relative_to(engine).as_posix()}" for pattern in patterns for path in engine.glob(pattern)}
    assert len(taken) > 10
    assert taken == {path for path in tree("DiNTSEngine") if path.startswith("dints/") and not path.endswith(".py")}


def test_the_extension_builds_all_modules() -> None:
    text = (REPOSITORY / "CMakeLists.txt").read_text(encoding="utf-8")
    assert re.findall(r"add_subdirectory\((\w+)\)", text) == list(MODULES)
    assert re.search(r'set\(EXTENSION_DEPENDS "PyTorch"\)', text)
    for name in re.findall(r"main/(Resources/[\w/.-]+)", text):
        assert (REPOSITORY / name).is_file(), name


def test_a_module_has_a_square_icon_of_its_own(module: str) -> None:
    icon = REPOSITORY / module / "Resources" / "Icons" / f"{module}.svg"
    left, top, width, height = map(float, ElementTree.parse(icon).getroot().get("viewBox").split())
    assert (left, top) == (0, 0)
    assert width == height
    assert icon.stat().st_size < ICON_BYTES

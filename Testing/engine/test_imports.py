"""What the engine may import, and what merely naming it costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ENGINE = Path(__file__).resolve().parents[2] / "DiNTSEngine" / "dints"
PACKAGES = {"torch", "jinja2", "numpy", "SimpleITK", "yaml", "safetensors", "tqdm", "matplotlib", "dints"}
ALLOWED = PACKAGES | set(sys.stdlib_module_names)


@pytest.mark.parametrize("path", sorted(ENGINE.rglob("*.py")), ids=lambda path: str(path.relative_to(ENGINE)))
def test_the_engine_imports_only_what_slicer_can_have(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.level == 0:
            names.append(node.module or "")
        for name in names:
            assert name.partition(".")[0] in ALLOWED, f"line {node.lineno}: {name}"


def test_importing_the_package_imports_no_pytorch() -> None:
    program = "import sys, dints, dints.config, dints.events; assert 'torch' not in sys.modules; assert dints.Config"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_every_public_name_is_there() -> None:
    program = "import dints; [getattr(dints, name) for name in dints.__all__]"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_tests_stand_where_the_engine_has_what_they_test() -> None:
    tests = Path(__file__).parent
    folders = {path.parent.relative_to(tests) for path in tests.rglob("test_*.py")}
    there = [
        folder for folder in folders if (ENGINE / folder).is_dir() or (ENGINE / folder).with_suffix(".py").is_file()
    ]
    assert len(folders) > 1
    assert sorted(folders - set(there)) == []


def test_a_name_of_a_class_or_type_means_one_thing_in_the_whole_extension() -> None:
    """Of the engine and of the panels: who reads `Case` or `Run` needs not look where it comes from."""
    folders = [ENGINE.parent, *(ENGINE.parents[1] / name for name in ("DiNTSSearch", "DiNTSSegmentation"))]
    places: dict[str, list[Path]] = {}
    for path in (path for folder in folders for path in sorted(folder.rglob("*.py"))):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [node.name] if isinstance(node, ast.ClassDef) else []
            if isinstance(node, ast.Assign):  # aliases of types are written like classes
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            for name in names:
                if not name.startswith("_") and len(name) > 1 and not name.isupper() and name[0].isupper():
                    places.setdefault(name, []).append(path)
    assert len(places) > 100
    assert {name: paths for name, paths in places.items() if len(paths) > 1} == {}

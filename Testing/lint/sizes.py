"""Checks what Ruff does not: files stay below 300 lines, functions below 40, and a class has a name of its own.

`python Testing/lint/sizes.py` prints what exceeds and ends with 1 if anything does. A function's lines are those from
its `def` to its end, without its docstring.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = ("DiNTSEngine", "DiNTSSearch", "DiNTSSegmentation")
FOLDERS = (*MODULES, "Testing", "studies")
FILE_LINES, FUNCTION_LINES = 300, 40


def long_functions(tree: ast.Module) -> Iterator[tuple[int, str, int]]:
    """Line, name and length of functions that are too long."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0]
            has_docstring = ast.get_docstring(node, clean=False) is not None
            documented = first.end_lineno - first.lineno + 1 if has_docstring else 0
            length = node.end_lineno - node.lineno + 1 - documented
            if length >= FUNCTION_LINES:
                yield node.lineno, node.name, length


def public_classes(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and name of the classes that a module defines for others."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield node.lineno, node.name


def main() -> int:
    found = []
    owners = defaultdict(list)
    for path in sorted(file for folder in FOLDERS for file in (REPOSITORY / folder).rglob("*.py")):
        text, name = path.read_text(encoding="utf-8"), path.relative_to(REPOSITORY)
        tree, lines = ast.parse(text), text.count("\n")
        if lines >= FILE_LINES:
            found.append(f"{name}:1: {lines} lines; split it by concept")
        for line, function, length in long_functions(tree):
            found.append(f"{name}:{line}: {function} has {length} lines; give its parts names")
        if name.parts[0] in MODULES:
            for line, class_name in public_classes(tree):
                owners[class_name].append(f"{name}:{line}")
    for class_name, places in owners.items():
        if len(places) > 1:
            found.append(f"{places[1]}: {class_name} is also the name of a class in {places[0]}; rename one")
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

"""The files of a run as the report reads them: what is damaged costs what it would have shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from dints.config import Config
from dints.errors import InputError, brief
from dints.evaluation.evaluate import Scores, read_scores
from dints.run_layout import RunLayout, read_log

Part = dict[str, Any] | str  # what a section shows, or the sentence that stands in its place
P = ParamSpec("P")
T = TypeVar("T")


class RunFiles(RunLayout):
    """The files of a run, read; InputError where one is damaged."""

    @cached_property
    def config(self) -> Config:
        """Every setting."""
        with naming(self.config_file):
            return Config.load(self.config_file)

    @cached_property
    def scores(self) -> Scores | None:
        """Of the cross-validation; None before it."""
        return read_scores(self.evaluation_folder) if self.scores_file.exists() else None

    @property
    def was_not_searched(self) -> bool:
        """Whether its architecture was given: a search leaves its numbers, too."""
        return self.architecture_file.exists() and not self.summary_file.exists()

    def rows(self, path: Path) -> list[dict[str, Any]]:
        """All rows of a search's or fold's log; none before its first step."""
        with naming(path):
            rows = read_log(path)
            if path.exists() and path.read_bytes().count(b"\n") > len(rows):
                raise ValueError("a line is no row")  # an interruption leaves but a line without its end
            return rows


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Whatever the content of a file leads to in the block becomes an InputError that names the file."""
    try:
        yield
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path and its permissions") from error
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, SyntaxError) as error:
        reason = f"{type(error).__name__}: {brief(str(error))}"
        raise InputError(f"{path}: is damaged ({reason}); restore it or run its stage again") from error


def shown(gather: Callable[P, T], *arguments: P.args, **options: P.kwargs) -> T | str:
    """What is gathered, or why it cannot be."""
    try:
        return gather(*arguments, **options)
    except InputError as error:
        return f"Not shown: {error}"

"""Writing the report: the template `report.html`, filled with what `dints.report.sections` gathers."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dints import __version__
from dints.errors import InputError
from dints.files.storage import write_text
from dints.report.contests import comparison, race
from dints.report.figures import CURVE_POINTS, require_matplotlib
from dints.report.run_files import RunFiles, shown
from dints.report.scores import cases, examples, summary
from dints.report.sections import architecture, configuration, data, heading, retraining, search

TEMPLATE = "report.html"
SECTIONS = (data, architecture, search, race, retraining, summary, comparison, cases, examples, configuration)


def write_report(run_folder: str | Path) -> Path:
    """Writes `report.html` into a run folder from what is there so far, and returns its path.

    A file that is damaged costs what it would have shown; the report says why.

    Raises:
        InputError: the folder is not a run, or matplotlib is missing.
    """
    require_matplotlib()
    run = RunFiles(run_folder)
    if not run.config_file.exists():
        raise InputError(
            f"{run.config_file}: cannot be read (there is none), so {run.folder} is not a run; start one with "
            "`dints search --data FOLDER --run RUN`"
        )
    title, description = heading(run)
    parts = {section.__name__: shown(section, run) for section in SECTIONS}
    write_text(run.report_file, render(title=title, description=description, version=__version__, **parts))
    return run.report_file


def render(**values: object) -> str:
    """The page, self-contained; every text in `values` is escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(TEMPLATE).render(values, curve_points=CURVE_POINTS)

"""The report of a fabricated run: complete, escaped, self-contained, and possible at any moment of a run."""

from __future__ import annotations

import json
import math
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints.config import Config
from dints.data.cases import Case
from dints.errors import InputError
from dints.evaluation.evaluate import evaluate_case, score_rows, write_scores
from dints.files.storage import write_json
from dints.report.figures import CURVE_POINTS, Chart, chart_svg, points
from dints.report.overlays import overlay_views
from dints.report.page import page, table
from dints.report.report import write_report

LABELS = {0: "background", 1: "organ", 2: "tumour <script>alert(1)</script>"}
VOID = {"meta", "img"}


class Strict(HTMLParser):
    """Fails on tags that do not nest, and collects what a browser would load."""

    def __init__(self):
        super().__init__()
        self.open, self.tags, self.loaded = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loaded += [value for key, value in attrs if key in ("src", "href", "xlink:href", "srcset", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def parsed(text):
    parser = Strict()
    parser.feed(text)
    assert parser.open == []
    return parser


def images(shift, direction=(1, 0, 0, 0, 1, 0, 0, 0, 1)):
    """Image, reference and prediction of one fabricated case."""
    z, y, x = np.indices((12, 16, 20))
    inside = ((z - 6) / 4) ** 2 + ((y - 8) / 6) ** 2 + ((x - 9) / 7) ** 2 < 1
    reference = inside.astype(np.uint8)
    reference[5:7, 6:9, 7:10] = 2
    made = []
    for array in (inside * 100.0 + x, reference, np.roll(reference, shift, axis=2)):
        made.append(sitk.GetImageFromArray(array))
        made[-1].SetSpacing((1.0, 1.2, 2.0))
        made[-1].SetDirection(direction)
    return made


def begin_run(folder):
    values = {"task": {"name": "A & B", "labels": LABELS}, "training": {"folds": 2, "iterations": 40}}
    config = Config.from_mapping(values)
    config.save(folder / "config.yaml")
    return config


def add_log(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def finish_run(folder, config):
    """Everything that a finished run has, in small."""
    problem = {"file": "x<y>.nii", "reason": "is empty", "remedy": "label it", "severity": "warning"}
    case = {"name": "a", "size": [20, 16, 12], "spacing": [1, 1.2, 2], "label_volumes": {"1": 1500.0}}
    write_json(folder / "check.json", {"problems": [problem], "cases": [case]})
    numbers = {"parameters": 2_000_000, "macs": 3_000_000_000, "training_memory": 2**30}
    summary = {"architecture": numbers, "unet": numbers, "gap": 3, "memory_budget": 0.8, "expected_memory": 0.79}
    write_json(folder / "search" / "summary.json", summary)
    (folder / "search" / "architecture.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    rows = [{"step": step, "loss": 2 / (step + 1), "learning_rate": 0.1} for step in range(40)]
    for row in rows[20:]:
        row.update(architecture_loss=1.0, dice=None, gap=40 - row["step"], memory_fraction=0.8)
    add_log(folder / "search" / "log.jsonl", rows)
    for fold in range(2):
        validation = [{"step": 39, "dice": [0.5, None], "mean_dice": 0.5}]
        add_log(folder / "train" / f"fold{fold}" / "log.jsonl", rows[:40] + validation)
    table, cases = [], []
    for number in range(4):
        name = f"case {number} <i>"
        image, reference, prediction = images(number)
        paths = [folder / f"{kind}{number}.nii.gz" for kind in ("image", "label")]
        sitk.WriteImage(image, paths[0])
        sitk.WriteImage(reference, paths[1])
        (folder / "evaluation" / "predictions").mkdir(parents=True, exist_ok=True)
        sitk.WriteImage(prediction, folder / "evaluation" / "predictions" / f"{name}.nii.gz")
        scores = evaluate_case(prediction, reference, LABELS, config.task.tolerance)
        table += score_rows(name, number % 2, scores, LABELS)
        cases.append(Case(name, (paths[0],), paths[1]))
    write_scores(folder / "evaluation", table, cases, config.task.tolerance)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run that has been reported; tests do not change it."""
    folder = tmp_path_factory.mktemp("run")
    finish_run(folder, begin_run(folder))
    write_report(folder)
    return folder


@pytest.fixture(scope="module")
def report(finished):
    return (finished / "report.html").read_text(encoding="utf-8")


@pytest.fixture
def copied(finished, tmp_path):
    """A finished run that a test may change; its images are gone."""
    return Path(shutil.copytree(finished, tmp_path / "run", ignore=shutil.ignore_patterns("image*", "report.html")))


def test_a_finished_run_is_reported_in_full(finished, report):
    assert write_report(finished) == finished / "report.html"
    assert "not finished" not in report
    assert " yet." not in report
    assert parsed(report).tags.count("svg") == 5  # three of the search (its Dice is undefined), two of the retraining
    assert report.count("data:image/png") == 9  # three planes of three cases
    assert report.count("data:image/svg+xml") == 1
    for expected in ("A &amp; B", "Best: case 0", "Worst: case 3", "budget 0.800", "x&lt;y&gt;.nii", "iterations: 40"):
        assert expected in report


def test_the_page_loads_nothing_from_outside(report):
    parser = parsed(report)
    assert parser.loaded
    assert all(value.startswith(("data:image/", "#")) for value in parser.loaded)
    assert "link" not in parser.tags
    assert "url(http" not in report


def test_names_from_the_data_are_text_and_never_markup(report):
    assert "<script>alert" not in report
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Dice" in report
    assert "<i>" not in report


def test_a_run_that_has_just_begun_is_reported(tmp_path):
    begin_run(tmp_path)
    text = write_report(tmp_path).read_text(encoding="utf-8")
    parsed(text)
    assert text.count(" yet.") == 7


@pytest.mark.parametrize("missing", ["check.json", "search", "train", "evaluation"])
def test_a_run_that_lacks_one_stage_is_reported(copied, missing):
    (copied / missing).rename(copied / "elsewhere")
    text = write_report(copied).read_text(encoding="utf-8")
    parsed(text)
    assert " yet." in text


def test_a_log_that_is_being_written_is_reported_up_to_its_last_whole_line(copied):
    with open(copied / "search" / "log.jsonl", "a") as file:
        file.write('{"step": 40, "lo')
    assert "40 of 21000 steps" in write_report(copied).read_text(encoding="utf-8")


def test_an_image_that_has_moved_is_named_in_place_of_its_picture(copied):
    scores = json.loads((copied / "evaluation" / "scores.json").read_text())
    for files in scores["cases"].values():
        files["images"] = [str(copied / "gone.nii.gz")]
    write_json(copied / "evaluation" / "scores.json", scores)
    assert "gone.nii.gz: does not exist" in write_report(copied).read_text(encoding="utf-8")


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"config\.yaml: cannot be read"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_the_error_names_the_extra(finished, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(InputError, match="extra `pictures`"):
        write_report(finished)


def test_curves_skip_what_is_undefined_and_thin_out_what_is_long():
    rows = [{"step": 0, "loss": None}, {"step": 1, "loss": math.nan}, {"step": 2, "loss": 0.5}, {"step": 3}]
    assert [values.tolist() for values in points(rows, "loss")] == [[2.0], [0.5]]
    steps, values = points([{"step": step, "loss": 2 * step} for step in range(10_000)], "loss")
    assert len(steps) == CURVE_POINTS
    np.testing.assert_allclose(values, 2 * steps)


def test_a_chart_takes_the_text_colour_of_its_page():
    curve = (np.arange(3), np.arange(3))
    svg = chart_svg(Chart("Cost in $ < 3 $", {"a": curve, "b": curve}, level=1.0, level_name="budget"))
    assert svg.startswith("<svg")
    assert "currentColor" in svg
    assert "#010203" not in svg
    assert "Cost in $ &lt; 3 $" in svg
    assert svg == chart_svg(Chart("Cost in $ < 3 $", {"a": curve, "b": curve}, level=1.0, level_name="budget"))


def test_overlays_show_the_same_anatomy_whatever_the_axes_of_the_file():
    expected = overlay_views(*images(1))
    flipped = [sitk.Flip(image, (True, False, True)) for image in images(1)]
    assert [view.plane for view in expected] == ["axial", "coronal", "sagittal"]
    assert all(view.png.startswith(b"\x89PNG") for view in expected)
    assert [view.png for view in overlay_views(*flipped)] == [view.png for view in expected]


def test_overlays_of_other_grids_are_refused():
    image, reference, prediction = images(1)
    prediction.SetOrigin((50, 0, 0))
    with pytest.raises(InputError, match="prediction: its origin"):
        overlay_views(image, reference, prediction)


def test_an_overlay_without_any_label_shows_the_image():
    image, reference, _ = images(0)
    assert len(overlay_views(image, reference * 0, reference * 0, window=(0, 100))) == 3


def test_text_in_the_page_is_escaped_once():
    text = page("a < b", table(["<h>"], [["&", 1]]))
    assert "<title>a &lt; b</title>" in text
    assert "<th>&lt;h&gt;</th>" in text
    assert "<td>&amp;</td>" in text

"""The report of a fabricated run: complete, escaped, self-contained, and possible at any moment of a run."""

from __future__ import annotations

import html
import json
import math
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from dints.config import Config
from dints.errors import InputError
from dints.files.storage import read_json, write_json
from dints.metrics.segmentation import METRICS, Metric
from dints.report.figures import CURVE_POINTS, Chart, chart_svg, points
from dints.report.overlays import overlay_views
from dints.report.write import write_report


@pytest.fixture(scope="module")
def report(finished):
    return write_report(finished).read_text(encoding="utf-8")


@pytest.fixture
def copied(finished, tmp_path):
    """A finished run that a test may change; its images are gone."""
    return Path(shutil.copytree(finished, tmp_path / "run", ignore=shutil.ignore_patterns("image*", "report.html")))


def test_a_finished_run_is_reported_in_full(finished, report, parsed):
    assert write_report(finished) == finished / "report.html"
    assert "not finished" not in report
    assert " yet." not in report
    assert (
        parsed(report).tags.count("svg") == 7
    )  # three of the search (its Dice is undefined), two of races and of the retraining
    assert report.count("data:image/png") == 9  # three planes of three cases
    assert report.count("data:image/svg+xml") == 1
    for expected in ("A &amp; B", "Best: case 0", "Worst: case 3", "budget 0.800", "x&lt;y&gt;.nii", "iterations: 40"):
        assert expected in report


def test_the_page_loads_nothing_from_outside(report, parsed):
    parser = parsed(report)
    assert parser.loaded
    assert all(value.startswith(("data:image/", "#")) for value in parser.loaded)
    assert "link" not in parser.tags
    assert "url(http" not in report


def test_names_from_the_data_are_text_and_never_markup(report):
    assert "<script>alert" not in report
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Dice" in report
    assert "<i>" not in report


def test_a_run_that_has_just_begun_is_reported(tmp_path, begin_run, parsed):
    begin_run(tmp_path)
    text = write_report(tmp_path).read_text(encoding="utf-8")
    parsed(text)
    assert text.count(" yet.") == 7


def table_after(text, title):
    """Rows of the first table below a heading, as lists of texts."""
    table = text[text.index(f"<h2>{title}</h2>") :].partition("</table>")[0].partition("<tbody>")[2]
    rows = [row.replace("</tr>", "") for row in table.split("<tr>")[1:]]
    return [[html.unescape(cell.partition("</td>")[0]) for cell in row.split("<td>")[1:]] for row in rows]


def test_the_race_is_a_table_of_who_went_on_and_a_plot_of_a_line_a_candidate(report):
    rows = table_after(report, "Race")
    assert rows == [
        ["a", "from a", "8", "0.6000", "0.8000", "heat 2, first"],
        ["b <i>", "from b <i>", "8", "0.5900", "0.7900", "heat 2"],
        ["c", "from c", "8", "0.5800", "\N{EN DASH}", "heat 1"],
    ]
    assert "The leader against what is one change away from it" in report
    assert "Dice of cases that the trainings do not see" in report


def test_a_race_under_way_has_the_candidates_before_their_first_dice(tmp_path, begin_run):
    begin_run(tmp_path)
    row = {"name": "a", "origin": "from a", "filters": 8, "steps": 0, "dice": None}
    write_json(tmp_path / "search" / "race" / "standings.json", [row])
    assert "<td>from a</td>" in write_report(tmp_path).read_text(encoding="utf-8")


def test_a_candidate_that_failed_is_out_in_its_heat(copied):
    """It was shown as one that went on and is on its way still."""
    race = copied / "search" / "race"
    rows = [json.loads(line) for line in (race / "b <i>" / "log.jsonl").read_text().splitlines()]
    (race / "b <i>" / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in (rows[0], {"step": 20})))
    (race / "c" / "log.jsonl").unlink()
    went_on = {row[0]: row[-1] for row in table_after(write_report(copied).read_text(encoding="utf-8"), "Race")}
    assert went_on == {"a": "heat 2, first", "b <i>": "out in heat 2", "c": "out in heat 1"}


def test_a_budget_in_seconds_is_not_told_as_one_of_memory(copied):
    """Shares of time stood beside sigma, which had no part in the search."""
    config = Config.load(copied / "config.yaml").with_overrides(["search.seconds=0.25"])
    config.save(copied / "config.yaml")
    text = write_report(copied).read_text(encoding="utf-8")
    assert "expected time of a window 0.790 of the full supernet&#39;s, budget 0.25 s." in text
    assert "the supernet's memory" not in html.unescape(text)


def test_what_a_given_architecture_leaves_out_is_not_yet_to_come(copied):
    config = Config.load(copied / "config.yaml").with_overrides(["race.enabled=true"])
    config.save(copied / "config.yaml")
    shutil.rmtree(copied / "search" / "race")
    for name in ("summary.json", "log.jsonl"):
        (copied / "search" / name).unlink()
    text = write_report(copied).read_text(encoding="utf-8")
    assert text.count("The architecture was given, not searched.") == 2
    assert "There was no race." in text
    assert " yet." not in text


def test_the_comparison_has_differences_with_intervals_and_the_one_sentence(report):
    searched, unet = table_after(report, "Did the search pay?")
    assert searched[0] == "searched"
    assert searched[-3:] == ["\N{EN DASH}"] * 3
    assert unet == ["3D U-Net <b>", "8", "0.34", "0.48", "82", "0.8770", "+0.0120", "+0.0040 to +0.0200", "better"]
    assert "<p>The search paid: the searched network is better" in report


def test_a_network_that_could_not_be_compared_is_named_with_its_reason(report, copied):
    assert "<tr><td>random &lt;c&gt;</td><td>the loss became nan</td></tr>" in report.partition("Not compared")[2]
    compared = copied / "compare" / "compare.json"
    write_json(compared, {key: value for key, value in read_json(compared).items() if key != "failed"})
    text = write_report(copied).read_text(encoding="utf-8")  # of a comparison before
    assert "The search paid" in text
    assert "Not compared" not in text


def test_a_run_that_was_not_compared_says_with_which_command_it_is(tmp_path, begin_run):
    begin_run(tmp_path)
    assert f"`dints compare --run {tmp_path}`" in write_report(tmp_path).read_text(encoding="utf-8")


@pytest.mark.parametrize("missing", ["check.json", "search", "train", "evaluation"])
def test_a_run_that_lacks_one_stage_is_reported(copied, parsed, missing):
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


def test_overlays_show_the_same_anatomy_whatever_the_axes_of_the_file(images):
    expected = overlay_views(*images(1))
    flipped = [sitk.Flip(image, (True, False, True)) for image in images(1)]
    assert [view.plane for view in expected] == ["axial", "coronal", "sagittal"]
    assert all(view.png.startswith(b"\x89PNG") for view in expected)
    assert [view.png for view in overlay_views(*flipped)] == [view.png for view in expected]


def test_overlays_of_other_grids_are_refused(images):
    image, reference, prediction = images(1)
    prediction.SetOrigin((50, 0, 0))
    with pytest.raises(InputError, match="prediction: its origin"):
        overlay_views(image, reference, prediction)


def test_an_overlay_without_any_label_shows_the_image(images):
    image, reference, _ = images(0)
    assert len(overlay_views(image, reference * 0, reference * 0, window=(0, 100))) == 3


@pytest.mark.parametrize("shape", [(1, 16, 20), (16, 1, 20), (16, 20, 1), (1, 1, 1), (1, 300, 300)])
def test_a_single_slice_is_shown_with_and_without_labels(shape):
    image = sitk.GetImageFromArray(np.random.default_rng(0).random(shape))
    labels = sitk.GetImageFromArray(np.ones(shape, np.uint8))
    for drawn in (labels, labels * 0):
        assert [view.png[:4] for view in overlay_views(image, drawn, drawn)] == [b"\x89PNG"] * 3


def test_a_metric_that_is_added_has_its_table_its_columns_and_its_rule(finished, tmp_path, monkeypatch):
    error = Metric("volume_error", "Volume <error>", "dV", len, unit="ml", higher_is_better=False, both_empty=0.0)
    monkeypatch.setitem(METRICS, error.name, error)
    copied = Path(shutil.copytree(finished, tmp_path / "run"))
    scores = json.loads((copied / "evaluation" / "scores.json").read_text())
    for number, row in enumerate(scores["rows"]):
        row["volume_error"] = float(number)
    write_json(copied / "evaluation" / "scores.json", scores)
    text = write_report(copied).read_text(encoding="utf-8")
    assert "<h3>Volume &lt;error&gt;, ml</h3>" in text
    assert "Lower is better. A label that is in neither reference nor prediction scores 0;" in text
    assert "<th>Mean dV</th>" in text
    assert "<th>organ dV</th>" in text
    assert "<td>6.0000</td>" in text


def test_a_metric_that_only_another_engine_knows_is_shown_by_its_name(copied):
    path = copied / "evaluation" / "scores.json"
    path.write_text(path.read_text().replace('"nsd"', '"hd<95>"'))
    text = write_report(copied).read_text(encoding="utf-8")
    assert "<h3>hd&lt;95&gt;</h3>" in text
    assert "<th>Mean hd&lt;95&gt;</th>" in text

"""Scores of cases, the table on disk, its summary, and the choice of cleanup."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

import dints.cli
from dints.data.cases import Case
from dints.errors import InputError
from dints.evaluation.evaluate import (
    ALL_LABELS,
    ROW_KEYS,
    ScoreRow,
    component_benefit,
    evaluate_case,
    measured,
    read_scores,
    score_rows,
    summarize,
    write_scores,
)
from dints.metrics.segmentation import METRICS, Metric

LABELS = {0: "background", 1: "organ", 300: "tumour <b>"}
NAN = math.nan


def label_image(array, spacing=(0.7, 1.0, 2.5), pixel=np.uint16):
    image = sitk.GetImageFromArray(array.astype(pixel))
    image.SetSpacing(spacing)
    return image


@pytest.fixture
def pair():
    reference = np.zeros((8, 10, 12), int)
    reference[2:6, 2:8, 3:9] = 1
    reference[3:5, 3:5, 4:6] = 300
    return np.roll(reference, 1, axis=2), reference


def row(case, fold, value, label, dice, nsd):
    return ScoreRow(case, fold, value, label, {"dice": dice, "nsd": nsd})


def rows(*dices, fold=0, value=1):
    return [row(f"case{number}", fold, value, LABELS[value], dice, dice) for number, dice in enumerate(dices)]


def test_a_case_is_scored_label_by_label_with_the_spacing_of_its_axes(pair):
    scores = evaluate_case(label_image(pair[0]), label_image(pair[1]), LABELS, 0.7)
    assert list(scores) == [1, 300]
    for value, score in scores.items():
        masks = [array == value for array in pair]
        assert score["dice"] == dints.dice(*masks)
        assert score["nsd"] == dints.normalized_surface_distance(*masks, (2.5, 1.0, 0.7), 0.7)
        assert score["nsd"] > dints.normalized_surface_distance(*masks, (0.7, 1.0, 2.5), 0.5)


def test_whole_numbers_stored_as_floats_are_scored(pair):
    integer, floating = (
        evaluate_case(label_image(pair[0], pixel=t), label_image(pair[1]), LABELS, 1) for t in (int, float)
    )
    assert integer == floating


def test_a_prediction_on_another_grid_is_refused_by_name(pair):
    prediction = label_image(pair[0], spacing=(0.8, 1.0, 2.5))
    with pytest.raises(InputError, match=r"case7\.nii\.gz: its spacing is .* instead of .*grid"):
        evaluate_case(prediction, label_image(pair[1]), LABELS, 1, "case7.nii.gz")


def test_a_label_absent_from_both_images_has_no_score(pair):
    without = [label_image(np.where(array == 300, 1, array)) for array in pair]
    scores = evaluate_case(*without, LABELS, 1)
    assert math.isnan(scores[300]["dice"])
    assert math.isnan(scores[300]["nsd"])
    missed = evaluate_case(without[0], label_image(pair[1]), LABELS, 1)[300]
    assert (missed["dice"], missed["nsd"]) == (0, 0)


def test_real_labels_score_one_against_themselves(hippocampus):
    image = sitk.ReadImage(sorted((hippocampus / "labelsTr").glob("*.nii.gz"))[0])
    scores = evaluate_case(image, image, {0: "background", 1: "Anterior", 2: "Posterior"}, 1.0)
    assert [(scores[value]["dice"], scores[value]["nsd"]) for value in (1, 2)] == [(1, 1)] * 2


def test_the_table_comes_back_as_it_was_written(tmp_path):
    table = [row("scan 1", 0, 1, "organ", 0.9, 1.0), row("scan 1", 0, 300, "tumour <b>", NAN, NAN)]
    table += [row('odd, "name"', None, 1, "organ", 0.1234567890123, 0.5)]
    cases = [Case("scan 1", (tmp_path / "a.nii.gz", tmp_path / "b.nii.gz"), tmp_path / "label.nii.gz")]
    write_scores(tmp_path / "evaluation", table, cases, tolerance=1.5)
    scores = read_scores(tmp_path / "evaluation")
    assert repr(scores.rows) == repr(tuple(table))  # by text: NaN is not equal to itself
    assert scores.cases == {"scan 1": cases[0]}
    assert scores.tolerance == 1.5
    assert sorted(path.name for path in (tmp_path / "evaluation").iterdir()) == ["scores.csv", "scores.json"]


def test_undefined_scores_are_null_in_json_and_empty_in_csv(tmp_path):
    write_scores(tmp_path, rows(NAN, 0.5))
    text = (tmp_path / "scores.json").read_text()
    assert "NaN" not in text
    assert json.loads(text)["rows"][0]["dice"] is None
    with open(tmp_path / "scores.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert lines[0] == {"case": "case0", "fold": "0", "value": "1", "label": "organ", "dice": "", "nsd": ""}
    assert lines[1]["dice"] == "0.5"


@pytest.mark.parametrize("text", ["[]", '{"format": 99}', '{"format": 1, "rows": [{"case": 1}], "cases": {}}'])
def test_a_file_that_is_no_table_of_scores_is_refused_by_name(tmp_path, text):
    (tmp_path / "scores.json").write_text(text)
    with pytest.raises(InputError, match=r"scores\.json: .*evaluate again"):
        read_scores(tmp_path)


def test_the_summary_has_mean_deviation_and_count_per_label_and_fold():
    table = rows(0.8, 0.6) + rows(0.4, NAN, value=300) + [row("other", 1, 1, "organ", 1.0, 1.0)]
    lines = {(line.fold, line.value): line.statistics["dice"] for line in summarize(table)}
    assert list(lines) == [(None, 1), (None, 300), (None, None), (0, 1), (0, 300), (0, None), (1, 1), (1, None)]
    assert lines[None, 1].mean == pytest.approx(0.8)
    assert lines[None, 1].std == pytest.approx(0.2)
    assert lines[None, 1].count == 3
    assert lines[0, 300].mean == 0.4
    assert math.isnan(lines[0, 300].std)
    assert lines[0, 300].count == 1


def test_the_total_is_the_mean_over_cases_of_their_defined_labels():
    total = next(line for line in summarize(rows(0.8, 0.6) + rows(0.4, NAN, value=300)) if line.value is None)
    assert total.label == ALL_LABELS
    assert total.statistics["dice"].mean == pytest.approx((0.6 + 0.6) / 2)


def test_nothing_evaluated_is_an_empty_summary_that_json_can_hold(tmp_path):
    write_scores(tmp_path, [])
    assert read_scores(tmp_path).rows == ()
    assert json.loads((tmp_path / "scores.json").read_text())["summary"][0]["dice"]["mean"] is None


def test_only_labels_that_gain_by_more_than_the_threshold_are_cleaned_up():
    without = rows(0.8, 0.6, NAN) + rows(0.5, 0.5, NAN, value=300)
    kept = rows(0.7, 0.8, NAN) + rows(0.50005, 0.50005, NAN, value=300)
    assert component_benefit(without, kept) == (1,)
    assert component_benefit(without, kept, threshold=0) == (1, 300)
    assert component_benefit(kept, without) == ()
    assert component_benefit(without, without, threshold=0) == ()


def test_cleanup_is_judged_on_the_same_cases_only():
    with pytest.raises(InputError, match="same cases"):
        component_benefit(rows(0.8, 0.6), rows(0.8))


def test_paths_of_cases_are_written_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_scores("scores", rows(0.5), [Case("case0", (Path("image.nii.gz"),), None)])
    assert read_scores("scores").cases["case0"] == Case("case0", (tmp_path / "image.nii.gz",), None)


def test_a_metric_that_is_added_is_scored_summarised_and_written(pair, tmp_path, monkeypatch):
    volume = Metric("volume_error", "Volume error", "dV", lambda masks: 3.0, unit="ml", both_empty=0.0)
    names = [*METRICS, volume.name]
    monkeypatch.setitem(METRICS, volume.name, volume)
    labels = {**LABELS, 7: "nowhere"}
    scores = evaluate_case(label_image(pair[0]), label_image(pair[1]), labels, 1)
    assert [list(own) for own in scores.values()] == [names] * 3
    write_scores(tmp_path, score_rows("case0", 0, scores, labels))
    assert [row.scores["volume_error"] for row in read_scores(tmp_path).rows] == [3.0, 0.0, 3.0]
    content = json.loads((tmp_path / "scores.json").read_text())
    assert content["summary"][0]["volume_error"] == {"mean": 3.0, "std": None, "count": 1}
    assert (tmp_path / "scores.csv").read_text().startswith(f"case,fold,value,label,{','.join(names)}\n")


def test_only_the_metrics_that_are_asked_for_are_computed(pair):
    images = [label_image(array) for array in pair]
    assert evaluate_case(*images, LABELS, 1, metrics=["dice"]) == {
        value: {"dice": own["dice"]} for value, own in evaluate_case(*images, LABELS, 1).items()
    }


OLD_ROW = {"case": "a", "fold": 0, "value": 1, "label": "organ", "dice": 0.5, "nsd": None}
OLD_CASES = {"a": {"images": ["/a.nii.gz"], "label": None}}


def test_scores_of_an_engine_that_knew_other_metrics_are_read(tmp_path):
    both = [OLD_ROW, {**OLD_ROW, "case": "b", "hd95": 4.0}, {key: OLD_ROW[key] for key in [*ROW_KEYS, "nsd"]}]
    (tmp_path / "scores.json").write_text(json.dumps({"format": 1, "tolerance": 1, "cases": OLD_CASES, "rows": both}))
    scores = read_scores(tmp_path)
    assert measured(scores.rows) == ["dice", "nsd", "hd95"]
    assert scores.rows[0].scores == {"dice": 0.5, "nsd": pytest.approx(NAN, nan_ok=True)}
    assert scores.cases == {"a": Case("a", (Path("/a.nii.gz"),), None)}
    assert summarize(scores.rows)[0].statistics["hd95"].count == 1


@pytest.mark.parametrize(
    "change",
    [
        {"case": None},
        {"label": ["x"]},
        {"value": "one"},
        {"fold": {}},
        {"dice": "high"},
        {"nsd": []},
        {"dice": 10**400},
    ],
)
def test_a_row_that_holds_something_else_is_refused_by_the_file_s_name(tmp_path, change):
    content = {"format": 1, "tolerance": 1.0, "cases": OLD_CASES, "rows": [OLD_ROW | change]}
    (tmp_path / "scores.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"scores\.json: is damaged .*evaluate again"):
        read_scores(tmp_path)


def test_voxels_that_nobody_annotated_count_in_no_metric(pair):
    reference = pair[1].copy()
    reference[:, :, 9:] = 7
    expected = np.where(reference == 7, 0, reference)
    right = evaluate_case(label_image(expected), label_image(expected), LABELS, 1)
    for nonsense in (1, 300):
        prediction = np.where(reference == 7, nonsense, reference)
        assert evaluate_case(label_image(prediction), label_image(reference), LABELS, 1, ignored=(7,)) == right


def test_predictions_and_references_are_compared_by_the_names_of_their_segments(pair, tmp_path):
    for name, values in (("references", {1: "organ", 2: "tumour"}), ("predictions", {2: "Organ", 1: "tumour"})):
        voxels = np.zeros(pair[1].shape, np.uint8)
        for value, segment in values.items():
            voxels[pair[1] == (1 if segment.lower() == "organ" else 300)] = value
        image = label_image(voxels, pixel=np.uint8)
        for number, (value, segment) in enumerate(values.items()):
            image.SetMetaData(f"Segment{number}_Name", segment)
            image.SetMetaData(f"Segment{number}_LabelValue", str(value))
        (tmp_path / name).mkdir()
        sitk.WriteImage(image, str(tmp_path / name / "a.seg.nrrd"))
    folders = [str(tmp_path / name) for name in ("predictions", "references")]
    assert dints.cli.main(["evaluate", "--predictions", folders[0], "--references", folders[1]]) == 0
    assert {(row.label, row.scores["dice"]) for row in read_scores(folders[0]).rows} == {
        ("organ", 1.0),
        ("tumour", 1.0),
    }


def test_values_to_ignore_can_be_given_for_plain_files(pair, tmp_path):
    reference = pair[1].copy()
    reference[:, :, 9:] = 7
    for name, voxels in (("references", reference), ("predictions", np.where(reference == 7, 1, reference))):
        (tmp_path / name).mkdir()
        sitk.WriteImage(label_image(voxels), str(tmp_path / name / "a.nii.gz"))
    folders = [str(tmp_path / name) for name in ("predictions", "references")]
    command = ["evaluate", "--predictions", folders[0], "--references", folders[1], "--ignored", "7"]
    assert dints.cli.main(command) == 0
    assert {(row.value, row.scores["dice"]) for row in read_scores(folders[0]).rows} == {(1, 1.0), (300, 1.0)}

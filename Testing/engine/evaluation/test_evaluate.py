"""Scores of cases, the table on disk, its summary, and the choice of cleanup."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

import dints
from dints.data.cases import Case
from dints.errors import InputError
from dints.evaluation.evaluate import (
    ALL_LABELS,
    LabelScore,
    ScoreRow,
    component_benefit,
    evaluate_case,
    read_scores,
    score_rows,
    summarize,
    write_scores,
)

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


def rows(*dices, fold=0, value=1):
    return [ScoreRow(f"case{number}", fold, value, LABELS[value], dice, dice) for number, dice in enumerate(dices)]


def test_a_case_is_scored_label_by_label_with_the_spacing_of_its_axes(pair):
    scores = evaluate_case(label_image(pair[0]), label_image(pair[1]), LABELS, 0.7)
    assert list(scores) == [1, 300]
    for value, score in scores.items():
        masks = [array == value for array in pair]
        assert score.dice == dints.dice(*masks)
        assert score.nsd == dints.normalized_surface_distance(*masks, (2.5, 1.0, 0.7), 0.7)
        assert score.nsd > dints.normalized_surface_distance(*masks, (0.7, 1.0, 2.5), 0.5)


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
    assert math.isnan(scores[300].dice)
    assert math.isnan(scores[300].nsd)
    missed = evaluate_case(without[0], label_image(pair[1]), LABELS, 1)[300]
    assert missed == LabelScore(0, 0)


def test_real_labels_score_one_against_themselves(hippocampus):
    image = sitk.ReadImage(sorted((hippocampus / "labelsTr").glob("*.nii.gz"))[0])
    scores = evaluate_case(image, image, {0: "background", 1: "Anterior", 2: "Posterior"}, 1.0)
    assert scores == {1: LabelScore(1, 1), 2: LabelScore(1, 1)}


def test_the_table_comes_back_as_it_was_written(tmp_path):
    table = score_rows("scan 1", 0, {1: LabelScore(0.9, 1.0), 300: LabelScore(NAN, NAN)}, LABELS)
    table += score_rows('odd, "name"', None, {1: LabelScore(0.1234567890123, 0.5), 300: LabelScore(0.0, 0.0)}, LABELS)
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
    table = rows(0.8, 0.6) + rows(0.4, NAN, value=300) + [ScoreRow("other", 1, 1, "organ", 1.0, 1.0)]
    lines = {(line.fold, line.value): line.dice for line in summarize(table)}
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
    assert total.dice.mean == pytest.approx((0.6 + 0.6) / 2)


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

"""A run whose files are damaged, one at a time: each costs what it would have shown, and the report says so."""

from __future__ import annotations

import html
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import SimpleITK as sitk

from dints.cli import main
from dints.data.images import read_image
from dints.errors import InputError
from dints.files.storage import read_json, write_json
from dints.report import contests, overlays, sections
from dints.report.write import write_report

TEXTS = {
    "check.json": "problem found by the check",
    "search/architecture.svg": "data:image/svg+xml",
    "search/summary.json": "Discretization gap G 3;",
    "search/race/standings.json": "from b &lt;i&gt;",
    "compare/compare.json": "The search paid",
    "search/log.jsonl": "40 of 21000 steps.",
    "train/fold1/log.jsonl": "Fold 1: 40 of 40 steps.",
    "evaluation/scores.json": "mean of labels",
}
IMAGES = {  # of the best case
    "evaluation/predictions/case 0 <i>.nii.gz": "case 0 &lt;i&gt;, axial",
    "image0.nii.gz": "case 0 &lt;i&gt;, axial",
    "label0.nii.gz": "case 0 &lt;i&gt;, axial",
}
SHOWN = TEXTS | IMAGES
DAMAGE = {
    "nothing": lambda content: b"",
    "binary": lambda content: b"\xff\xfe\x00\x01" * 9 + b"\n",
    "half": lambda content: content[: len(content) // 2] + b"\n",
    "another mapping": lambda content: b'{"a": 1}\n',
    "a list": lambda content: b"[1, 2]\n",
    "words": lambda content: b"hello\n",
}


@pytest.fixture
def run(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished run that a test may damage. Charts and pictures are not drawn, for speed."""
    folder = Path(shutil.copytree(finished, tmp_path / "run", ignore=shutil.ignore_patterns("report.html")))
    content = read_json(folder / "evaluation" / "scores.json")
    for number, files in enumerate(content["cases"].values()):
        files.update(images=[str(folder / f"image{number}.nii.gz")], label=str(folder / f"label{number}.nii.gz"))
    write_json(folder / "evaluation" / "scores.json", content)
    for module in (sections, contests):
        monkeypatch.setattr(module, "chart_svg", lambda chart: f"<svg><title>{chart.title}</title></svg>")
    monkeypatch.setattr(overlays, "_draw", lambda *given: b"png")
    return folder


@pytest.fixture
def written(parsed: Callable[[str], object]) -> Callable[[Path], str]:
    """Function that writes the report of a run and gives its text, which is whole."""

    def write(run: Path) -> str:
        text = write_report(run).read_text(encoding="utf-8")
        parsed(text)
        return text

    return write


def test_an_undamaged_run_shows_everything(run, written):
    text = written(run)
    assert all(content in text for content in SHOWN.values())
    assert "Not shown" not in text


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", SHOWN)
def test_a_damaged_file_costs_what_it_shows_and_nothing_else(run, written, name, damage):
    path = run / name
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    text = written(run)
    empty_log = name.endswith(".jsonl") and damage == "nothing"  # as before the first step
    assert (" yet." if empty_log else html.escape(str(path))) in text
    assert SHOWN[name] not in text
    assert all(content in text for other, content in TEXTS.items() if other != name)


@pytest.mark.parametrize("damage", ["binary", "another mapping", "a list", "words"])
def test_damaged_settings_cost_the_sections_that_need_them(run, written, damage):
    path = run / "config.yaml"
    path.write_bytes(DAMAGE[damage](b""))
    text = written(run)
    assert "<title>DiNTS report: run</title>" in text
    assert text.count(str(path)) > 3
    assert all(content in text for name, content in TEXTS.items() if name.startswith("evaluation"))


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_on_another_grid_costs_its_picture_and_says_which_and_why(run, written, name):
    image = read_image(run / name)
    image.SetSpacing((0.5, 0.5, 0.5))
    sitk.WriteImage(image, run / name)
    text = written(run)
    assert "its spacing is" in text
    assert "an overlay needs one grid" in text
    assert text.count("<figure>") == 6
    assert "mean of labels" in text


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_of_other_dimensions_costs_its_picture(run, written, name):
    sitk.WriteImage(sitk.Image([4, 4], sitk.sitkUInt8), run / name)
    text = written(run)
    assert text.count("<figure>") == 6
    assert "Not shown: " in text


@pytest.mark.parametrize("name", SHOWN)
def test_a_folder_in_place_of_a_file_does_not_end_the_report(run, written, name):
    (run / name).unlink()
    (run / name).mkdir()
    text = written(run)
    assert SHOWN[name] not in text
    assert sum(content not in text for content in TEXTS.values()) <= 1


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("check.json", '"size": [\n    20,', '"size": [\n    "wide",'),
        ("check.json", '"label_volumes": {', '"volumes": {'),
        ("search/summary.json", '"expected_memory": 0.79', '"expected_memory": "much"'),
        ("search/summary.json", "2000000", "0"),
        ("search/race/standings.json", '"origin": "from b <i>"', '"origin": 3'),
        ("search/race/standings.json", '"name": "c"', '"name": "../c"'),
        ("compare/compare.json", '"dice": 0.877', '"dice": "good"'),
        ("compare/compare.json", '"networks"', '"others"'),
        ("search/log.jsonl", '"loss": 2.0', '"loss": "low"'),
        ("search/log.jsonl", '"step": 0', '"steps": 0'),
        ("train/fold1/log.jsonl", '"step": 3,', '"step": "x",'),
        ("evaluation/scores.json", '"value": 1,', '"value": [],'),
    ],
)
def test_values_that_are_something_else_are_told_with_the_file(run, written, name, old, new):
    path = run / name
    content = path.read_text(encoding="utf-8")
    assert old in content
    path.write_text(content.replace(old, new), encoding="utf-8")
    text = written(run)
    assert f"{path}: is damaged" in text
    assert SHOWN[name] not in text


def test_scores_that_name_no_files_are_shown_without_pictures(run, written):
    content = read_json(run / "evaluation" / "scores.json")
    write_json(run / "evaluation" / "scores.json", content | {"cases": {}})
    text = written(run)
    assert text.count("The scores do not name this case") == 3
    assert "mean of labels" in text


def test_a_run_without_its_settings_is_refused_and_nothing_is_written(run):
    (run / "config.yaml").unlink()
    with pytest.raises(InputError, match=r"config\.yaml: cannot be read"):
        write_report(run)
    assert not (run / "report.html").exists()


@pytest.mark.parametrize("name", ["run.json", "config.yaml", "check.json", "evaluation/scores.json"])
def test_the_command_reports_a_run_of_which_a_file_is_damaged(run, name, capsys):
    (run / name).write_bytes(b"\xff\x00")
    assert main(["report", "--run", str(run)]) == 0
    assert str(run / "report.html") in capsys.readouterr().out

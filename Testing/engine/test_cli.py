"""The command line as a user meets it: what it prints, writes and returns."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import SimpleITK as sitk
import torch

from dints.cli import COMMANDS, main
from dints.data.placement import geometry_difference
from dints.model.model import load_model
from dints.run import Run


@pytest.fixture(scope="module")
def demo(phantoms: Path, tiny_config_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the whole job with settings that take seconds."""
    folder = tmp_path_factory.mktemp("demo") / "run"
    command = ["demo", "--run", str(folder), "--data", str(phantoms), "--config", str(tiny_config_file)]
    assert main([*command, "--held-out", "2", "--device", "cpu"]) == 0
    return folder


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == 0
    assert "--events" in capsys.readouterr().out


def test_help_and_doctor_need_no_pytorch() -> None:
    program = (
        "import sys; sys.modules['torch'] = None\n"
        "from dints.cli import main\n"
        "assert main(['doctor']) == 0\n"
        "assert main(['search', '--run', 'x']) == 1\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "torch is missing" in result.stdout
    assert "torch is not installed; `dints doctor`" in result.stderr


def test_the_demo_leaves_a_whole_run(demo: Path) -> None:
    for name in (
        "config.yaml",
        "check.json",
        "search/architecture.json",
        "search/architecture.png",
        "search/architecture.svg",
        "train/fold0/best.pt",
        "train/fold1/last.pt",
        "evaluation/scores.csv",
        "held_out/scores.json",
        "model.zip",
        "report.html",
    ):
        assert (demo / name).stat().st_size > 0, name
    summary = json.loads((demo / "search" / "summary.json").read_text())
    assert summary["architecture"]["parameters"] > 0
    assert summary["unet"]["macs"] > summary["architecture"]["macs"]
    assert summary["gap"] >= 0


def test_held_out_cases_are_scored_and_never_trained_on(demo: Path) -> None:
    run = Run(demo)
    assert len(run.held_out) == 2
    for training, validation in run.splits:
        assert not run.held_out & {*training, *validation}
    scores = json.loads((demo / "held_out" / "scores.json").read_text())
    assert {row["case"] for row in scores["rows"]} == run.held_out


def test_every_architecture_step_logs_the_gap(demo: Path) -> None:
    rows = [json.loads(line) for line in (demo / "search" / "log.jsonl").read_text().splitlines()]
    first = round(11000 * 8 / 21000)  # of the 8 iterations, as many rest as in the paper
    assert [row["step"] for row in rows] == list(range(8))
    assert [("gap" in row) for row in rows] == [step >= first for step in range(8)]


def test_running_a_finished_demo_again_changes_no_network(
    demo: Path, phantoms: Path, tiny_config_file: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    shutil.copytree(demo, folder)
    before = (folder / "train" / "fold0" / "best.pt").read_bytes()
    assert main(["train", "--run", str(folder), "--folds", "0"]) == 0
    assert (folder / "train" / "fold0" / "best.pt").read_bytes() == before


def test_other_settings_do_not_resume_a_run(demo: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "--run", str(demo), "--set", "search.seed=5"]) == 2
    assert "started with other settings" in capsys.readouterr().err


def test_a_file_is_segmented_on_its_own_grid(demo: Path, phantoms: Path, tmp_path: Path) -> None:
    source = next((phantoms / "imagesTs").glob("*.nii.gz"))
    output = tmp_path / "result.nrrd"
    assert main(["segment", "--model", str(demo / "model.zip"), "--input", str(source), "--output", str(output)]) == 0
    assert geometry_difference(sitk.ReadImage(str(source)), sitk.ReadImage(str(output)), tolerance=1e-6) == ""


def test_a_folder_is_segmented_and_a_second_call_does_only_what_is_missing(
    demo: Path, phantoms: Path, tmp_path: Path
) -> None:
    images = tmp_path / "scans"
    shutil.copytree(phantoms / "imagesTr", images)
    for path in sorted(images.iterdir())[2:]:
        path.unlink()
    command = ["segment", "--model", str(demo / "model.zip"), "--input", str(images), "--output", str(tmp_path / "out")]
    assert main([*command, "--overlap", "0", "--vote", "mean", "--folds", "0"]) == 0
    written = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in written] == sorted(path.name for path in images.iterdir())
    kept = written[0].stat().st_mtime_ns
    written[1].unlink()
    assert main(command) == 0
    assert written[0].stat().st_mtime_ns == kept
    assert written[1].exists()


def test_predictions_are_scored_against_references(phantoms: Path, tmp_path: Path) -> None:
    labels, copies, output = phantoms / "labelsTr", tmp_path / "copies", tmp_path / "scores"
    shutil.copytree(labels, copies)
    assert main(["evaluate", "--predictions", str(copies), "--references", str(labels), "--output", str(output)]) == 0
    rows = json.loads((output / "scores.json").read_text())["rows"]
    assert len(rows) >= 6
    assert all(row["dice"] == 1 and row["nsd"] == 1 for row in rows)


def test_events_are_json_lines_with_the_result_at_the_end(demo: Path, phantoms: Path, tmp_path: Path) -> None:
    source = next((phantoms / "imagesTs").glob("*.nii.gz"))
    arguments = ["--model", str(demo / "model.zip"), "--input", str(source), "--output", str(tmp_path / "a.nii.gz")]
    result = subprocess.run(
        [sys.executable, "-m", "dints", "segment", *arguments, "--events"],
        capture_output=True,
        check=True,
    )
    events = [json.loads(line) for line in result.stdout.decode("ascii").splitlines()]
    stages = {event["stage"] for event in events if event["event"] == "progress"}
    assert stages == {"segment", "cases"}
    assert (events[-1]["event"], events[-1]["name"]) == ("result", "segmentation")
    assert events[-1]["values"].items() >= {"input": [str(source)], "path": str(tmp_path / "a.nii.gz")}.items()


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["check", "no/such/folder"], ["no/such/folder", "give the folder"]),
        (["search", "--run", "{tmp}/new"], ["--data"]),
        (["search", "--run", "{tmp}/new", "--data", "no/data"], ["no/data"]),
        (["train", "--run", "{run}", "--folds", "7"], ["fold 7", "0 to 1"]),
        (["train", "--run", "{run}", "--folds", "a"], ["--folds", "'a'"]),
        (["evaluate"], ["--run", "--predictions"]),
        (["evaluate", "--run", "{tmp}"], ["is not a run"]),
        (["report", "--run", "{tmp}"], ["is not a run"]),
        (["segment", "--model", "none", "--input", "{tmp}", "--output", "{tmp}/o"], ["none", "installed"]),
        (["segment", "--model", "{run}/model.zip", "--input", "nofile.nii", "--output", "{tmp}"], ["nofile.nii"]),
        (["segment", "--model", "{run}/model.zip", "--input", "{tmp}", "--output", "{tmp}/o"], ["holds no images"]),
        (["models", "install", "{run}/config.yaml"], ["config.yaml"]),
        (["import", "{run}/config.yaml", "--architecture", "x.pth", "--output", "{tmp}/m.zip"], ["--config"]),
        (["search"], ["--run"]),
        (["paint"], ["paint"]),
        (["doctor", "--now"], ["--now"]),
        (["hosts", "add", "h", "h", "--sbatch", "--mem=1G"], ["--sbatch", "given as --OPTION=VALUE"]),
        (["search", "--run", "{run}", "--device", "cuda:9"], ["cuda:9"]),
        (["search", "--run", "{run}", "--device", "abacus"], ["abacus"]),
    ],
)
def test_bad_input_ends_with_2_and_one_line(
    arguments: list[str], parts: list[str], demo: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    filled = [argument.format(run=demo, tmp=tmp_path) for argument in arguments]
    try:
        code = main(filled)
    except SystemExit as stop:
        code = stop.code
    captured = capfd.readouterr()
    assert code == 2
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    for part in parts:
        assert part in captured.err


def test_all_problems_of_a_data_set_are_listed_at_once(
    phantoms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "data"
    shutil.copytree(phantoms, broken)
    first, second, *_ = sorted((broken / "labelsTr").iterdir())
    first.unlink()
    second.write_bytes(second.read_bytes()[:100])
    assert main(["check", str(broken), "--output", str(tmp_path / "check.json")]) == 2
    captured = capsys.readouterr()
    assert first.name in captured.out
    assert second.name in captured.out
    assert len(json.loads((tmp_path / "check.json").read_text())["problems"]) == 2


def test_a_model_goes_to_the_reference_and_back(demo: Path, tmp_path: Path) -> None:
    exported, path = tmp_path / "reference", tmp_path / "back.zip"
    assert main(["models", "reference", str(demo / "model.zip"), "--output", str(exported)]) == 0
    checkpoints = [str(exported / f"fold{fold}.pt") for fold in range(2)]
    arguments = ["--architecture", str(exported / "architecture.pth"), "--config", str(demo / "config.yaml")]
    assert main(["import", *checkpoints, *arguments, "--output", str(path)]) == 0
    original, back = load_model(demo / "model.zip"), load_model(path)
    assert back.manifest.architecture == original.manifest.architecture
    for network, expected in zip(back.networks, original.networks, strict=True):
        state = expected.state_dict()
        assert all(torch.equal(value, state[name]) for name, value in network.state_dict().items())


def test_an_installed_model_is_found_by_its_name(
    demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DINTS_MODELS", str(tmp_path / "models"))
    output = tmp_path / "named.zip"
    assert main(["models", "export", "--run", str(demo), "--name", "Belly", "--output", str(output)]) == 0
    assert main(["models", "install", str(output)]) == 0
    capsys.readouterr()
    assert main(["models"]) == 0
    assert "Belly (MR): liver, kidney, aorta; 2 folds" in capsys.readouterr().out
    assert main(["models", "show", "Belly"]) == 0
    assert "labels: {'1': 'liver'" in capsys.readouterr().out

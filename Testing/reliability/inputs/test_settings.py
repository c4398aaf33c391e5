"""Settings and arguments that cannot be used: refused in a sentence that names the file, the setting and the remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

BAD_FILES = {
    "no YAML": ("search: [", "is not valid YAML"),
    "no text": ("\0\x01", "is not valid YAML"),
    "a list": ("[1, 2]", "the top level must be a mapping"),
    "a text": ("search", "the top level must be a mapping"),
    "unknown section": ("serach: {}", "unknown key serach; did you mean search?"),
    "unknown key": ("search: {filter: 3}", "unknown key search.filter; did you mean search.filters?"),
    "a number as key": ("{1: 2}", "unknown key 1"),
    "an endless key": (f"{'k' * 900}: 1", "unknown key kkk"),
    "text for a number": ("search: {filters: many}", "search.filters must be a whole number, not 'many'"),
    "fraction for a whole number": ("search: {filters: 2.5}", "search.filters must be a whole number, not 2.5"),
    "number for a text": ("task: {name: 3}", "task.name must be a text, not 3"),
    "number for a switch": ("search: {topology_loss: 1}", "must be true or false, not 1"),
    "list for a number": ("search: {filters: [2]}", "search.filters must be a whole number, not [2]"),
    "two of three": ("sampling: {patch: [16, 16]}", "sampling.patch must be a list of 3 whole numbers"),
    "nothing for a section": ("search:", "search must be a mapping"),
    "NaN": ("training: {learning_rate: .nan}", "training.learning_rate must be a number, not nan"),
    "infinite": ("preprocessing: {window: [0, .inf]}", "preprocessing.window must be a list of 2 numbers"),
    "a number without end": (
        f"search: {{seed: 0x{'f' * 9000}}}",
        "search.seed must be a whole number, not a number of",
    ),
    "half a character": ('task: {name: "\\ud800"}', "task.name must be a text"),
    "too many filters": ("search: {filters: 1000000}", "search.filters must lie between 2 and 512"),
    "too many layers": ("search: {layers: 1000000}", "search.layers must lie between 1 and 100"),
    "a patch beyond memory": ("sampling: {patch: [65536, 65536, 65536]}", "sampling.patch must not exceed"),
    "a patch of no step": ("sampling: {patch: [17, 16, 16]}", "sampling.patch must be multiples of"),
    "a negative patch": ("sampling: {patch: [-32, -32, 32]}", "sampling.patch must lie between 2 and"),
    "spacing of nothing": ("preprocessing: {spacing: [1, 0, 1]}", "preprocessing.spacing must lie between"),
    "a side beyond memory": ("sampling: {patch: [2000000000, 2, 2]}", "sampling.patch must lie between"),
    "a fold for each atom": ("training: {folds: 100000000000}", "training.folds must lie between 2 and 1000"),
    "steps without end": ("search: {iterations: 1000000000000}", "search.iterations must lie between"),
    "a batch beyond memory": ("training: {batch_size: 1000000000}", "training.batch_size must lie between"),
    "a negative rate": ("training: {learning_rate: -1}", "training.learning_rate must be above 0, not -1"),
    "a label without background": ("task: {labels: {1: liver}}", "labels must hold 0"),
    "a label beyond files": ("task: {labels: {0: air, 70000: liver}}", "task.labels must lie between 0 and 65535"),
    "an alias": ("search: &s {filters: 2}\ntraining: *s", "which is not supported"),
    "doubling aliases": ("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nsearch: *c", "which is not supported"),
    "a tag": ("task: !!python/object/apply:os.system [id]", "could not determine a constructor"),
    "a tag that does not fit": ("search: {filters: !!int ''}", "is not valid YAML"),
    "a key twice": ("search: {filters: 4, layers: 3, filters: 8}", "is not valid YAML (it gives 'filters' twice)"),
    "a section twice": ("search: {filters: 4}\nrace: {}\nsearch: {layers: 3}", "(it gives 'search' twice)"),
    "a label twice": ("task: {labels: {0: air, 1: liver, '1': spleen}}", "task.labels must be a mapping"),
    "a number with zeros before it": ("search: {seed: 010}", "search.seed must be a whole number, not '010'"),
    "a time for a number": ("search: {seed: 1:30}", "search.seed must be a whole number, not '1:30'"),
    "a word for a switch": ("race: {enabled: no}", "race.enabled must be true or false, not 'no'"),
    "brackets without end": ("[" * 50_000, "nested too deeply"),
    "a book": ("#" * 200_000, "it is longer than 100000 characters"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_settings_are_refused(name: str, command: Callable, tmp_path: Path) -> None:
    content, reason = BAD_FILES[name]
    path = tmp_path / "settings.yaml"
    path.write_text(content)
    command("memory", "--config", path).refuses(str(path), reason)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--config", "no/such.yaml"], "no/such.yaml: cannot be read"),
        (["--config", "x" * 300], "File name too long"),
        (["--config", "/"], "Is a directory"),
        (["--set", "filters=3"], "expected section.key=value"),
        (["--set", "search.filters"], "expected section.key=value"),
        (["--set", "search.filters=[1"], "is not a valid value"),
        (["--set", "search.filters={a: *b}"], "is not a valid value"),
        (["--set", "search.filter=3"], "did you mean search.filters?"),
        (["--device", "abacus"], "device 'abacus' is not known"),
        (["--device", "cuda:256"], "device 'cuda:256' is not known"),
    ],
)
def test_bad_arguments_are_refused(arguments: list[str], reason: str, command: Callable) -> None:
    command("memory", *arguments).refuses(reason)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--overlap", "1"], "overlap must be at least 0 and less than 1"),
        (["--overlap", "nan"], "inference.overlap must be a number, not nan"),
        (["--batch-size", "0"], "batch_size must lie between"),
        (["--folds", "7"], "must name some of the model's folds 0 to 1"),
        (["--folds", "0,x"], "expected numbers separated by commas"),
        (["--vote", "loudest"], "invalid choice"),
        (["--overlap", "much"], "invalid float value"),
    ],
)
def test_bad_options_of_a_segmentation_are_refused(
    arguments: list[str], reason: str, command: Callable, model_file: Path, scan_file: Path, tmp_path: Path
) -> None:
    output = tmp_path / "result.nii.gz"
    files = ("--model", model_file, "--input", scan_file, "--output", output)
    command("segment", *files, *arguments).refuses(reason)
    assert not output.exists()


def test_a_result_of_an_unknown_format_is_refused_before_the_work(
    command: Callable, model_file: Path, scan_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("dints.inference.predictor.Predictor.segment")
    output = tmp_path / "result.mhd"
    command("segment", "--model", model_file, "--input", scan_file, "--output", output).refuses(str(output))
    assert not list(tmp_path.iterdir())

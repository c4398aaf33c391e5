"""Architectures as values: construction, JSON, and the reference implementation's files."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pytest
import torch

from dints import Architecture, InputError, SearchSpace
from dints.space.operations import OPERATIONS


class Payload:
    """Pickles as a call of a function that a file of arrays has no business calling."""

    def __reduce__(self):
        return (print, ("executed",))


@pytest.fixture
def architecture() -> Architecture:
    return Architecture.random(SearchSpace(4, 3), seed=1)


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
@pytest.mark.parametrize("density", [0.1, 0.5, 0.9])
def test_random_architectures_are_feasible_and_repeatable(levels, density):
    space = SearchSpace(6, levels)
    drawn = [Architecture.random(space, seed, density) for seed in range(5)]
    assert all(space.is_feasible(one.edges) for one in drawn)
    assert drawn == [Architecture.random(space, seed, density) for seed in range(5)]


def test_a_higher_density_selects_more_edges():
    sparse, dense = (
        np.mean([Architecture.random(SearchSpace(), seed, density).edges.mean() for seed in range(10)])
        for density in (0.2, 0.8)
    )
    assert sparse < dense


def test_saving_and_loading_gives_an_equal_architecture(architecture, tmp_path):
    architecture.save(tmp_path / "architecture.json")
    loaded = Architecture.load(tmp_path / "architecture.json")
    assert loaded == architecture
    assert hash(loaded) == hash(architecture)
    assert np.array_equal(loaded.operations, architecture.operations)


def test_the_file_names_edges_and_operations_in_words(architecture, tmp_path):
    architecture.save(tmp_path / "architecture.json")
    values = json.loads((tmp_path / "architecture.json").read_text())
    assert values["format"] == 1
    edge = int(np.flatnonzero(architecture.edges[0])[0])
    name = f"{architecture.space.sources[edge]}->{architecture.space.targets[edge]}"
    assert values["layers"][0]["active"][name] == OPERATIONS[architecture.operations[0, edge]]


def test_edges_that_a_file_leaves_out_are_off(tmp_path):
    path = tmp_path / "short.json"
    path.write_text('{"format": 1, "levels": 2, "layers": [{"active": {"1->0": "conv_3x3x3"}}]}')
    loaded = Architecture.load(path)
    assert loaded.edges.tolist() == [[False, True, False, False]]
    assert loaded.node_activation.tolist() == [[False, True], [True, False]]


def test_both_key_spellings_of_the_reference_load_the_papers_architecture(shared_data):
    first, second = (
        Architecture.load(shared_data / "architectures" / f"pancreas_{name}.pth") for name in ("cvpr", "auto3dseg")
    )
    assert first == second
    assert first.edges.shape == (12, 10)
    assert first.edges.sum() == 97
    assert first.operations[0].tolist() == [1, 3, 1, 3, 2, 1, 2, 0, 1, 1]
    stored = torch.load(shared_data / "architectures" / "pancreas_cvpr.pth", weights_only=False)
    assert np.array_equal(first.node_activation, stored["node_a"])


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("as_tensors", [True, False])
def test_reference_files_of_arrays_or_tensors_load(architecture, tmp_path, zipped, as_tensors):
    values = {"code_a": architecture.edges.astype(float), "code_c": architecture.operations.copy()}
    if as_tensors:
        values = {key: torch.from_numpy(value) for key, value in values.items()}
    torch.save(values, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    assert Architecture.load(tmp_path / "a.pth") == architecture


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_would_run_code_is_refused(architecture, tmp_path, capsys, zipped):
    values = {"code_a": architecture.edges.astype(float), "code_c": architecture.operations.copy(), "x": Payload()}
    path = tmp_path / "payload.pth"
    torch.save(values, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError) as caught:
        Architecture.load(path)
    message = str(caught.value)
    assert str(path) in message
    assert "refused" in message
    assert "\n" not in message
    assert "executed" not in capsys.readouterr().out


@pytest.mark.parametrize(
    "values",
    [
        {"code_a": np.ones((2, 4))},
        {"code_a": np.ones((2, 5)), "code_c": np.zeros((2, 5))},
        {"code_a": np.ones(4), "code_c": np.zeros(4)},
        {"code_a": np.ones((2, 4)), "code_c": np.zeros((2, 3))},
        {"code_a": np.full((2, 4), 0.5), "code_c": np.zeros((2, 4))},
        {"code_a": np.ones((2, 4)), "code_c": np.full((2, 4), 7)},
        {"code_a": "text", "code_c": "text"},
        [1, 2],
    ],
)
def test_a_reference_file_with_wrong_content_is_refused_in_one_line(tmp_path, values):
    torch.save(values, tmp_path / "wrong.pth")
    with pytest.raises(InputError, match=r"^[^\n]*wrong\.pth: [^\n]+$"):
        Architecture.load(tmp_path / "wrong.pth")


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"PK\x03\x04", b"\x80\x02}q\x00.", pickle.dumps({"a": 1}, protocol=2)]
)
def test_a_damaged_reference_file_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "damaged.pth").write_bytes(content)
    with pytest.raises(InputError, match=r"^[^\n]*damaged\.pth: [^\n]+$"):
        Architecture.load(tmp_path / "damaged.pth")


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        "{}",
        '{"format": 2, "levels": 2, "layers": []}',
        '{"format": 1, "levels": 2, "layers": []}',
        '{"format": 1, "levels": "two", "layers": [{}]}',
        '{"format": 1, "levels": 2, "layers": [{}]}',
        '{"format": 1, "levels": 2, "layers": [["0->0"]]}',
        '{"format": 1, "levels": 2, "layers": [{"active": ["0->0"]}]}',
        '{"format": 1, "levels": 2, "layers": [{"active": {"0->5": "skip"}}]}',
        '{"format": 1, "levels": 2, "layers": [{"active": {"0->0": "conv_9x9x9"}}]}',
        '{"format": 1, "levels": 2, "layers": [{"active": {"0->0": ["skip"]}}]}',
        '{"format": 1, "levels": 2, "layers": [{"active": {"0->0": "skip"}, "inactive": {"0->0": "skip"}}]}',
        '{"format": 1, "levels": 2, "layers": [{"active": {"0->0": "skip"}}, {"active": {"1->1": "skip"}}]}',
    ],
)
def test_a_malformed_json_file_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "wrong.json").write_text(text)
    with pytest.raises(InputError, match=r"^[^\n]*wrong\.json: [^\n]+$"):
        Architecture.load(tmp_path / "wrong.json")


@pytest.mark.parametrize("name", ["missing.json", "missing.pth"])
def test_a_missing_file_is_refused_by_name(tmp_path, name):
    with pytest.raises(InputError, match=f"{name}: cannot be read"):
        Architecture.load(tmp_path / name)


def test_an_infeasible_topology_cannot_be_constructed():
    edges = [[1, 0, 1, 0], [1, 0, 0, 0]]  # node 1 is reached and not read
    with pytest.raises(InputError, match="infeasible"):
        Architecture(SearchSpace(2, 2), edges, np.zeros((2, 4), dtype=int))


def test_an_architecture_does_not_change_with_the_arrays_that_it_was_made_from(architecture):
    edges = architecture.edges.copy()
    copy = Architecture(architecture.space, edges, architecture.operations)
    edges[:] = False
    assert copy == architecture
    with pytest.raises(ValueError, match="read-only"):
        copy.edges[0, 0] = False


def test_resolution_and_thick_slices_survive_saving(tmp_path):
    space = SearchSpace(layers=2, levels=3, finest=1, delay=(0, 0, 1))
    architecture = Architecture.random(space, 5)
    architecture.save(tmp_path / "architecture.json")
    loaded = Architecture.load(tmp_path / "architecture.json")
    assert loaded == architecture
    assert loaded.space == space
    assert loaded.at() == Architecture(SearchSpace(2, 3), architecture.edges, architecture.operations)


def test_architectures_of_the_paper_are_written_as_ever(tmp_path):
    mapping = Architecture.random(SearchSpace(2, 3), 5).to_mapping()
    assert mapping["format"] == 1
    assert set(mapping) == {"format", "levels", "layers"}

"""The table of operations: what a new line in it brings along, and that nothing else has to know of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import dints
from dints.space.operations import OPERATIONS, TABLE

ENGINE = Path(dints.__file__).parent
TABLE_FILE = Path("space", "operations.py")
COLOUR, CAPTION = "#5a3d99", "conv 5×5×5 + 3×3×3"
NEW = f'    CellOperation("conv_5x5x5", ((5, 5, 5), (3, 3, 3)), "{COLOUR}", "{CAPTION}"),\n'

USE_IT = """
import json, sys
from pathlib import Path
import numpy as np, torch
from dints import Architecture, SearchSpace, build_network, build_supernet, decode, summary
from dints.cost.operations import operation_costs
from dints.model.reference import reference_state_dict
from dints.search.drawing import architecture_svg
from dints.search.losses import architecture_loss
from dints.space.operations import OPERATIONS

space, images = SearchSpace(3, 2), torch.randn(1, 1, 16, 16, 16)
torch.manual_seed(0)
supernet = build_supernet(space, 1, 2, 2)
edges, operations = supernet.edge_probability(), supernet.operation_probability()
costs = operation_costs(space, 2, (16, 16, 16))
loss = architecture_loss(space, edges, operations, costs, 0.5, 0.001).weighted_sum + supernet(images).square().mean()
loss.backward()
with torch.no_grad():
    supernet.operation_logits[..., -1] += 9
    architecture = decode(space, supernet.edge_probability(), supernet.operation_probability())
file = Path(sys.argv[1])
architecture.save(file)
assert Architecture.load(file) == architecture
network = build_network(architecture, 1, 2, 2)
own = next(name for name in network.state_dict() if "conv_5x5x5" in name)
plain = Architecture(space, architecture.edges, np.ones_like(architecture.operations))
print(json.dumps({
    "operations": OPERATIONS,
    "chosen": np.unique(architecture.operations).tolist(),
    "gradients": all(value.grad is not None for name, value in supernet.named_parameters() if "conv_5x5x5" in name),
    "logits": list(network(images).shape),
    "parameter": own,
    "reference": len(reference_state_dict(network)) == len(network.state_dict()),
    "cost": list(costs.shape),
    "dearer": float(costs[0, -1] / costs[0, 1]),
    "macs": summary(architecture, (16,) * 3, 2, 1, 2).macs / summary(plain, (16,) * 3, 2, 1, 2).macs,
    "drawing": architecture_svg(architecture),
}))
"""


@pytest.fixture
def extended_engine(tmp_path: Path) -> Path:
    """The folder of a copy of the engine whose table has one line more; it differs in nothing else."""
    shutil.copytree(ENGINE, tmp_path / "dints", ignore=shutil.ignore_patterns("__pycache__", "models"))
    file = tmp_path / "dints" / TABLE_FILE
    text = file.read_text(encoding="utf-8")
    head, table, rest = text.partition("TABLE = (\n")
    rows, end, rest = rest.partition(")\n\nOPERATIONS")
    assert head
    assert rows.count("CellOperation(") == len(TABLE)
    file.write_text(head + table + rows + NEW + end + rest, encoding="utf-8")
    return tmp_path


def test_one_line_in_the_table_is_searched_counted_drawn_decoded_saved_and_built(extended_engine: Path) -> None:
    command = [sys.executable, "-c", USE_IT, str(extended_engine / "architecture.json")]
    environment = {"PYTHONPATH": str(extended_engine), "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["operations"] == [*OPERATIONS, "conv_5x5x5"]
    assert found["chosen"] == [len(OPERATIONS)]
    assert found["gradients"]
    assert found["logits"] == [1, 2, 16, 16, 16]
    assert found["parameter"].endswith("operations.conv_5x5x5.convolutions.0.weight")
    assert found["reference"]
    assert found["cost"] == [4, len(OPERATIONS) + 1]
    assert found["dearer"] == pytest.approx((1 + 4) / (1 + 3)), "its output, and ReLU, two convolutions and norm"
    assert found["macs"] > 2
    assert COLOUR in found["drawing"]
    assert CAPTION in found["drawing"]


@pytest.mark.parametrize(
    "folder", [ENGINE, *(ENGINE.parents[1] / name for name in ("DiNTSSearch", "DiNTSSegmentation"))]
)
def test_no_other_file_lists_operations(folder: Path) -> None:
    p3d = [name for name in OPERATIONS if name.startswith("p3d")]
    files = [path for path in folder.rglob("*.py") if path != ENGINE / TABLE_FILE]
    assert files
    assert [path for path in files if any(name in path.read_text(encoding="utf-8") for name in p3d)] == []


def test_what_training_keeps_of_an_operation_follows_from_its_kernels() -> None:
    assert [operation.kept for operation in TABLE][:5] == [0, 3, 4, 4, 4]

"""Equations 5 to 11 against loops over patterns, and against the reference implementation's memory estimate."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.networks.nets.dints import TopologySearch

from dints import SearchSpace, operation_entropy, pattern_entropy, pattern_probabilities, topology_loss
from dints.cost.operations import operation_costs
from dints.search.losses import activation_probabilities, architecture_loss, expected_memory, full_memory, memory_loss
from dints.space.operations import OPERATIONS
from dints.space.relaxation import edge_weights

LAYERS = 3
OPERATION_COUNT = len(OPERATIONS)


def random_probabilities(space: SearchSpace, seed: int, sharpness: float) -> tuple[torch.Tensor, torch.Tensor]:
    """p [L, E] and alpha [L, E, N], nearer to 0 and 1 the higher `sharpness`."""
    generator = torch.Generator().manual_seed(seed)
    shape = (space.layers, space.edges)
    p = (sharpness * torch.randn(shape, generator=generator, dtype=torch.float64)).sigmoid()
    alpha = (sharpness * torch.randn(*shape, OPERATION_COUNT, generator=generator, dtype=torch.float64)).softmax(-1)
    return p, alpha


def for_random_probabilities(check, levels: int) -> None:
    """Calls `check(space, p, alpha)` for random values; few of them at 4 levels, where loops over patterns are slow."""
    space = SearchSpace(LAYERS, levels)

    @settings(max_examples=3 if levels == 4 else 15, deadline=None)
    @given(st.integers(0, 2**32), st.floats(0.1, 2.0))
    def run(seed, sharpness):
        check(space, *random_probabilities(space, seed, sharpness))

    run()


def mass_of(space: SearchSpace, eta_row: list[float], nodes_of_edge, activation) -> float:
    """Sum of eta over the patterns whose edges touch exactly the nodes of `activation`."""
    wanted = {level for level, on in enumerate(activation) if on}
    touched = [{int(nodes_of_edge[e]) for e in range(space.edges) if cp[e]} for cp in space.patterns]
    return sum(q for q, nodes in zip(eta_row, touched, strict=True) if nodes == wanted)


def enumerated_activation_probabilities(space: SearchSpace, eta: torch.Tensor) -> list[list[tuple[float, float]]]:
    rows = eta.tolist()
    return [
        [
            (mass_of(space, rows[i], space.targets, a), mass_of(space, rows[i + 1], space.sources, a))
            for a in space.activations
        ]
        for i in range(space.layers - 1)
    ]


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_entropies_equal_equation_5(levels):
    def check(space, p, alpha):
        eta = pattern_probabilities(p)
        for loss, values in ((operation_entropy(alpha), alpha), (pattern_entropy(eta), eta)):
            flat = values.flatten().tolist()
            assert float(loss) == pytest.approx(-sum(q * math.log(q) for q in flat if q > 1e-12) / len(flat), rel=1e-6)

    for_random_probabilities(check, levels)


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_activation_probabilities_and_topology_loss_equal_equations_6_and_7(levels):
    def check(space, p, alpha):
        eta = pattern_probabilities(p)
        expected = enumerated_activation_probabilities(space, eta)
        found = torch.stack(activation_probabilities(space, eta), dim=-1)
        torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))
        loss = -sum(p_in * math.log(out) + (1 - p_in) * math.log(1 - out) for layer in expected for p_in, out in layer)
        assert float(topology_loss(space, eta)) == pytest.approx(loss, rel=1e-8)

    for_random_probabilities(check, levels)


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_expected_memory_equals_equation_8_over_all_patterns(levels):
    def check(space, p, alpha):
        costs = operation_costs(space, filters=2, patch=(64, 64, 32)).double()
        cell = (alpha * costs).sum(-1).tolist()
        eta = pattern_probabilities(p).tolist()
        by_pattern = sum(
            eta[i][j] * sum(cell[i][e] for e in range(space.edges) if cp[e])
            for i in range(space.layers)
            for j, cp in enumerate(space.patterns)
        )
        assert float(expected_memory(edge_weights(p), alpha, costs)) == pytest.approx(by_pattern, rel=1e-9)

    for_random_probabilities(check, levels)


def test_memory_loss_is_the_distance_of_the_fraction_from_the_budget():
    space = SearchSpace(LAYERS, 2)
    p, alpha = random_probabilities(space, seed=1, sharpness=1.0)
    costs = operation_costs(space, filters=2, patch=(32, 32, 32)).double()
    full = full_memory(alpha, costs)
    assert float(memory_loss(expected_memory(torch.ones_like(p), alpha, costs), full, budget=1.0)) == pytest.approx(0)
    assert float(memory_loss(0.3 * full, full, budget=0.8)) == pytest.approx(0.5)
    assert float(memory_loss(0.9 * full, full, budget=0.8)) == pytest.approx(0.1)


def test_memory_equals_the_reference_estimate_up_to_one_constant():
    ratios, fractions = [], []
    for levels, layers, patch in ((2, 2, 32), (3, 1, 64), (4, 1, 64)):
        torch.manual_seed(levels)
        reference = TopologySearch(channel_mul=2 / 32, num_blocks=layers, num_depths=levels)
        torch.nn.init.normal_(reference.log_alpha_a)
        torch.nn.init.normal_(reference.log_alpha_c)
        space, size = SearchSpace(layers, levels), (2, 2, patch, patch, patch)
        costs = operation_costs(space, filters=2, patch=(patch, patch, patch))
        p, alpha = reference.log_alpha_a.detach().sigmoid(), reference.log_alpha_c.detach().softmax(-1)
        costs = costs[:, : alpha.shape[-1]]  # the reference has the paper's operations alone
        ours = expected_memory(edge_weights(p), alpha, costs), full_memory(alpha, costs)
        theirs = [reference.get_ram_cost_usage(size, full=full).detach() for full in (False, True)]
        ratios += [float(own / other) for own, other in zip(ours, theirs, strict=True)]
        fractions.append((float(ours[0] / ours[1]), float(theirs[0] / theirs[1])))
    assert ratios == pytest.approx([ratios[0]] * len(ratios), rel=1e-5)
    assert [own for own, _ in fractions] == pytest.approx([other for _, other in fractions], rel=1e-5)


def test_the_topology_loss_is_near_zero_for_a_feasible_binary_architecture_and_high_for_an_infeasible_one():
    space = SearchSpace(2, 2)
    feasible = torch.tensor([[1.0, 0, 1, 0], [1, 0, 0, 1]])  # 0->0 and 0->1, then 0->0 and 1->1
    infeasible = torch.tensor([[1.0, 0, 1, 0], [1, 0, 0, 0]])  # node 1 has an input and no output
    assert float(topology_loss(space, pattern_probabilities(feasible))) == pytest.approx(0, abs=1e-6)
    assert float(topology_loss(space, pattern_probabilities(infeasible))) > 20


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_every_term_is_finite_with_finite_gradients_at_zero_and_one(data):
    space = SearchSpace(2, 3)
    extremes = st.sampled_from([0.0, 1e-30, 1e-7, 0.5, 1 - 2**-24, 1.0])
    count = space.layers * space.edges
    p = torch.tensor(data.draw(st.lists(extremes, min_size=count, max_size=count))).reshape(2, -1).requires_grad_()
    alpha = torch.eye(OPERATION_COUNT)[torch.arange(count) % OPERATION_COUNT].reshape(2, -1, OPERATION_COUNT)
    alpha.requires_grad_()
    loss = architecture_loss(space, p, alpha, operation_costs(space, 2, (32, 32, 32)), 0.5, topology_weight=0.001)
    loss.weighted_sum.backward()
    assert all(math.isfinite(value) for value in loss.values().values())
    assert p.grad is not None
    assert alpha.grad is not None
    assert torch.isfinite(p.grad).all()
    assert torch.isfinite(alpha.grad).all()


def test_the_topology_loss_still_pulls_where_a_needed_activation_has_vanished():
    space = SearchSpace(2, 2)
    logits = torch.tensor([[20.0, -20, 20, -20], [20, -20, -20, -40]], requires_grad=True)
    topology_loss(space, pattern_probabilities(logits.sigmoid())).backward()
    assert logits.grad is not None
    assert logits.grad.abs().max() > 0.1
    assert torch.isfinite(logits.grad).all()


def test_gradients_of_the_architecture_loss_equal_finite_differences():
    space = SearchSpace(2, 2)
    p, alpha = random_probabilities(space, seed=5, sharpness=1.0)
    costs = operation_costs(space, 2, (32, 32, 32)).double()

    def total(p, alpha):
        return architecture_loss(space, p, alpha, costs, budget=0.2, topology_weight=0.7).weighted_sum

    assert torch.autograd.gradcheck(total, (p.requires_grad_(), alpha.requires_grad_()))


def test_the_architecture_loss_is_the_sum_of_its_terms_and_reports_each():
    space = SearchSpace(2, 3)
    p, alpha = random_probabilities(space, seed=2, sharpness=1.0)
    costs = operation_costs(space, 2, (32, 32, 32)).double()
    values = architecture_loss(space, p, alpha, costs, budget=0.8, topology_weight=0.001).values()
    terms = values["operation_entropy"] + values["pattern_entropy"] + 0.001 * values["topology"] + values["memory"]
    assert values["weighted_sum"] == pytest.approx(terms)
    assert values["memory"] == pytest.approx(abs(values["memory_fraction"] - 0.8))
    without = architecture_loss(space, p, alpha, costs, budget=0.8, topology_weight=0.0).values()
    assert without["topology"] == values["topology"]
    assert without["weighted_sum"] == pytest.approx(terms - 0.001 * values["topology"])


def test_a_target_in_the_unit_of_the_costs_is_reached_from_both_sides():
    space = SearchSpace(2, 2)
    costs = torch.rand(space.edges, OPERATION_COUNT, generator=torch.Generator().manual_seed(1)).double() + 0.1
    p, alpha = random_probabilities(space, seed=5, sharpness=1.0)
    expected = float(expected_memory(edge_weights(p), alpha, costs))
    met = architecture_loss(space, p, alpha, costs, 0.8, 0.001, target=expected)
    assert float(met.memory) == pytest.approx(0, abs=1e-9)
    for target, direction in ((0.5 * expected, -1), (1.5 * expected, 1)):
        alpha = alpha.detach().requires_grad_()
        loss = architecture_loss(space, p, alpha, costs, 0.8, 0.001, target=target).memory
        assert float(loss.detach()) == pytest.approx(0.5 * expected / float(full_memory(alpha.detach(), costs)))
        (gradient,) = torch.autograd.grad(loss, alpha)
        moved = (alpha - 1e-3 * gradient).detach()
        change = float(expected_memory(edge_weights(p), moved, costs)) - expected
        assert change * direction > 0


def test_the_gradients_towards_a_target_equal_finite_differences_of_the_expected_costs():
    space = SearchSpace(2, 2)
    p, alpha = random_probabilities(space, seed=5, sharpness=1.0)
    costs = operation_costs(space, 2, (32, 32, 32)).double()
    alpha.requires_grad_()
    full = full_memory(alpha.detach(), costs)
    loss = architecture_loss(space, p, alpha, costs, 0.8, 0.001, target=float(full) * 0.1).memory
    expected = expected_memory(edge_weights(p), alpha, costs) / full
    (own,), (wanted,) = torch.autograd.grad(loss, alpha), torch.autograd.grad(expected, alpha)
    assert torch.allclose(own, wanted)

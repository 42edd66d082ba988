"""The proposition of the page "When pooling matters", in float64: which networks cannot tell the rings of a pair apart."""

from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data

from rethinkpool_core.analysis.permutations import reordered
from rethinkpool_core.analysis.ring_predictions import convolutions_of, is_blind
from rethinkpool_core.analysis.rings import colours_in_ring_order
from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.datasets import load_dataset
from rethinkpool_core.datasets.dataset import GraphDataset
from rethinkpool_core.experiments.grids import get_grid
from rethinkpool_core.models import build_model
from rethinkpool_core.models.trace import RecordedTrace

TOLERANCE = 1e-10
PAIRS = 12
CELLS = [cell for cell in get_grid("rings").cells if cell.model in ("NO-POOL", "MINCUTPOOL", "GMN")]
DIFFPOOL = [("DIFFPOOL", 3, True), ("DIFFPOOL", 1, False), ("N-DIFFPOOL-INV", 2, True)]


def pairs_of(root, radius):
    return reordered(load_dataset(f"RINGS-{radius}", root), torch.arange(2 * PAIRS))


def logits_of(model, dataset):
    """Logits in evaluation mode, in the order of the graphs; batch norms have seen them once."""
    batch = BatchBuilder(dataset, dtype=torch.float64)(dataset.test)
    with torch.no_grad():
        model.train()(batch)
        logits = model.eval()(batch)[0]
    logits = logits[batch.graph_id.argsort()]
    assert float(logits[::2].std(0).max()) > 1e-3, "a network that sees nothing at all would prove nothing"
    return logits


def gaps(model, dataset):
    """Largest difference of a logit between the two rings of each pair, (PAIRS,)."""
    logits = logits_of(model, dataset)
    return (logits[::2] - logits[1::2]).abs().amax(1)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.getbasetemp() / "rings"


def test_some_cells_are_blind_and_some_are_not():
    blind = [is_blind(cell.model, convolutions_of(cell), int(cell.dataset[-1])) for cell in CELLS]
    assert (sum(blind), len(blind)) == (6 + 3 + 2, 27)


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_blind_exactly_where_proved(cell, root):
    radius = int(cell.dataset[-1])
    dataset = pairs_of(root, radius)
    model = build_model(cell.model, dataset, seed=3, **cell.split_parameters[0]).double()
    found = gaps(model, dataset)
    if is_blind(cell.model, convolutions_of(cell), radius):
        assert float(found.max()) < TOLERANCE
    else:
        assert float(found.min()) > 10 * TOLERANCE


@pytest.mark.parametrize(("name", "radius", "blind"), DIFFPOOL)
def test_diffpool_whose_assignment_needs_two_convolutions(name, radius, blind, root):
    """Features need windows of 5, the adjacency 6 where S comes from two convolutions and 4 where it comes from one."""
    dataset = pairs_of(root, radius)
    found = gaps(build_model(name, dataset, seed=3).double(), dataset)
    assert (float(found.max()) < TOLERANCE) == blind


@pytest.mark.parametrize(("radius", "share"), [(1, 1e-3), (2, 1e-4), (3, 1e-4)])
def test_the_learned_adjacency_alone_shows_little_before_training(radius, share, root):
    dataset = pairs_of(root, radius)
    model = build_model("MINCUTPOOL", dataset, seed=3, initial_convolutions=radius).double()
    score = logits_of(model, dataset).diff(dim=1).squeeze(1)
    assert 0 < float((score[::2] - score[1::2]).abs().mean() / score.std()) < share


def windows_by_node(dataset, width):
    """The window around each node as a number that reading it backwards does not change, (graphs, nodes)."""
    neighbours = dataset.store.edge_index[1].long().view(2 * PAIRS, -1, 2)
    colours = dataset.store.x.long().view(2 * PAIRS, -1)
    graphs, nodes = colours.shape
    found = torch.empty_like(colours)
    for graph in range(graphs):
        for node in range(nodes):
            sides = []
            for step in range(2):
                before, here, side = node, int(neighbours[graph, node, step]), []
                for _ in range(width // 2):
                    side.append(int(colours[graph, here]))
                    first, second = neighbours[graph, here].tolist()
                    before, here = here, second if first == before else first
                sides.append(side)
            windows = (
                [*reversed(a), int(colours[graph, node]), *b] for a, b in (sides, (sides[1], sides[0]))
            )
            found[graph, node] = min(int("".join(map(str, window)), 2) for window in windows)
    return found


@pytest.mark.parametrize(("name", "equal"), [("RANDOM-GMN", True), ("N-MINCUTPOOL", False)])
def test_random_rows_give_the_same_once_nodes_are_listed_by_their_windows(name, equal, root):
    """Hence the same distribution over random orders, where the pooled graph has no edges."""
    dataset = pairs_of(root, 2)
    orders = windows_by_node(dataset, 5).argsort(dim=1, stable=True)
    listed = reordered(dataset, torch.arange(2 * PAIRS), list(orders))
    overrides = {"initial_convolutions": 2} if name == "N-MINCUTPOOL" else {}
    found = gaps(build_model(name, listed, seed=3, **overrides).double(), listed)
    assert (float(found.max()) < TOLERANCE) == equal


def ring(x, y):
    """Nodes with features ``x``, joined in their order, with label ``y``."""
    places = torch.arange(len(x))
    edges = torch.cat([torch.stack([places, (places + s) % len(x)]) for s in (1, -1)], 1)
    return Data(x=x, edge_index=edges, y=torch.tensor([y]))


@pytest.mark.parametrize("convolutions", [1, 2])
def test_a_coarse_node_of_graclus_sees_the_windows_of_three_pairs(convolutions):
    """2 c + 2 neighbours in the ring after the first pooling and 2 c + 6 after the convolution that follows, by gradients."""
    nodes = 40
    x = torch.randn(4, nodes, 5, generator=torch.Generator().manual_seed(1))
    rings = [ring(one, y) for y, one in zip((0, 1, 0, 1), x, strict=True)]
    split = {"train": [0, 1], "val": [2], "test": [3]}
    dataset = GraphDataset.from_pyg(rings, name="rings", split=split)
    model = build_model("GRACLUS", dataset, seed=3, initial_convolutions=convolutions, num_layers=3).double()
    graph = model.input_graph(BatchBuilder(dataset, dtype=torch.float64)(torch.tensor([0])))
    colours = graph.x.detach().requires_grad_()
    trace = RecordedTrace()
    model.compute(graph.with_x(colours), trace)
    for layer, longest in ((f"pool {convolutions}", 2), (f"conv {convolutions + 1}", 6)):
        seen = []
        for row in trace.layers[layer].values:
            weights = torch.randn(row.shape, generator=torch.Generator().manual_seed(2), dtype=row.dtype)
            (slope,) = torch.autograd.grad((row * weights).sum(), colours, retain_graph=True)
            places = slope.abs().sum(1).nonzero().squeeze(1)
            steps = (places.roll(-1) - places) % nodes
            assert (steps > 1).sum() == 1, "they are neighbours in the ring"
            seen.append(len(places))
        assert max(seen) == 2 * convolutions + longest


@pytest.mark.parametrize("sum_input", [False, True])
def test_every_second_colour_can_be_turned_unless_the_node_itself_is_seen(sum_input):
    """The rows of each convolution of N-DIFFPOOL-V2 are then the same, and what agreed at an odd lag no longer does."""
    nodes = 24
    colours = torch.randint(2, (nodes,), generator=torch.Generator().manual_seed(1))
    turned = colours.clone()
    turned[1::2] = colours[1::2].roll(1)
    rings = [ring(x[:, None], y) for y, x in enumerate((colours, turned))]
    dataset = GraphDataset.from_pyg(
        2 * rings, name="two rings", split={"train": [0, 1], "val": [2], "test": [3]}
    )
    model = build_model("N-DIFFPOOL-V2", dataset, seed=3, sum_input=sum_input).double().eval()
    graph = model.input_graph(
        BatchBuilder(dataset, dtype=torch.float64)(torch.tensor([0, 1])), auxiliary=False
    )
    with torch.no_grad():
        parts = model.embed[0](graph if model.sum_input is None else model.sum_input(graph)).parts
    for part in parts:
        rows = [sorted(ring.tolist()) for ring in part.reshape(2, nodes, -1)]
        apart = (torch.tensor(rows[0]) - torch.tensor(rows[1])).abs().max()
        assert (float(apart) < TOLERANCE) == (not sum_input)


def test_colours_in_ring_order_do_not_depend_on_the_order_of_the_nodes(root):
    dataset = pairs_of(root, 1)
    colours = colours_in_ring_order(dataset.store)
    orders = [
        torch.randperm(dataset.max_nodes, generator=torch.Generator().manual_seed(g)) for g in range(24)
    ]
    other = colours_in_ring_order(reordered(dataset, torch.arange(24), orders).store)
    for one, two in zip(colours.tolist(), other.tolist(), strict=True):
        turns = ["".join(map(str, one + one)), "".join(map(str, one[::-1] + one[::-1]))]
        assert any("".join(map(str, two)) in turn for turn in turns)

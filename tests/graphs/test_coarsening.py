"""The coarse graph of a matching against networkx; graphs alone, in batches, and beside other replicas."""

import networkx as nx
import pytest
import torch
from small_graphs import named_graphs

from rethinkpool_core.graphs.coarsening import Coarsening

SEED = torch.tensor(3)


def graph_of(batch, at: int) -> set[tuple[int, int]]:
    """Edges of one graph of a batch, its nodes counted from 0."""
    rows = torch.repeat_interleave(torch.arange(batch.num_rows), batch.A.degree())
    first, last = int(batch.pointer[at]), int(batch.pointer[at + 1])
    return {
        (int(i) - first, int(j) - first)
        for i, j in zip(rows, batch.indices, strict=True)
        if first <= i < last
    }


@pytest.mark.parametrize("kind", ["graph", "complement"])
@pytest.mark.parametrize("graphs", ["small", "digraphs"])
def test_coarse_graphs_are_quotients(graphs, kind, request):
    """Edges once, without loops, where any members had one; the transpose is the transpose; twice over."""
    batch = request.getfixturevalue(graphs).batch(rng_key=1, coarsening=Coarsening(kind, range(1, 3), SEED))
    below = batch
    for level in (1, 2):
        coarse = batch.coarse(level)
        for at in range(batch.num_graphs):
            first = int(below.pointer[at])
            mine = coarse.members[coarse.pointer[at] : coarse.pointer[at + 1]] - first
            blocks = [set(pair) for pair in mine.tolist()]
            original = nx.DiGraph(sorted(graph_of(below, at)))
            original.add_nodes_from(range(int(below.num_nodes[at])))
            assert set().union(*blocks) == set(original.nodes)
            assert sum(map(len, blocks)) == len(original)
            quotient = nx.quotient_graph(original, blocks, create_using=nx.DiGraph)
            number = {frozenset(block): i for i, block in enumerate(blocks)}
            assert graph_of(coarse, at) == {(number[a], number[b]) for a, b in quotient.edges}
        identity = torch.eye(coarse.num_rows, dtype=torch.float64)
        torch.testing.assert_close(coarse.A.T @ identity, (coarse.A @ identity).T)
        assert torch.equal(coarse.num_nodes, coarse.pointer.diff()[:-1])
        below = coarse


@pytest.mark.parametrize("kind", ["graph", "complement"])
def test_a_graph_is_matched_alike_in_every_batch_and_beside_other_replicas(small, kind):
    names = list(named_graphs())
    petersen = names.index("petersen")

    def structure(seed=SEED, **options):
        batch = small.batch(coarsening=Coarsening(kind, range(2, 3), seed), **options)
        coarse = batch.coarse(1)
        at = int((batch.graph_id == petersen).nonzero())
        rows = slice(int(coarse.pointer[at]), int(coarse.pointer[at + 1]))
        return (coarse.members[rows] - batch.pointer[at]).tolist(), graph_of(coarse, at)

    alone = structure(index=[petersen])
    assert structure() == alone
    assert structure(num_rows=100, num_edges=300) == alone

    seeds, others = torch.tensor([5, 3, 9]), [0, 6, 4]
    index = torch.tensor([[petersen, other] for other in others])
    beside = small.batch(index, rng_key=2, coarsening=Coarsening(kind, range(2, 4), seeds))
    for replica, (seed, other) in enumerate(zip(seeds, others, strict=True)):
        single = small.batch([petersen, other], rng_key=2, coarsening=Coarsening(kind, range(2, 4), seed))
        for level in (1, 2):
            ours, theirs = beside.coarse(level), single.coarse(level)
            rows, rows_below = (len(x) // 3 for x in (ours.members, ours.inverse_members))
            start, nodes, edges = replica * rows, theirs.num_rows, len(theirs.indices)
            first_edge = replica * (len(ours.indices) // 3)
            assert torch.equal(ours.members[start:][:nodes] - replica * rows_below, theirs.members)
            assert torch.equal(ours.pointer[3 * replica :][:3] - start, theirs.pointer[:-1])
            for columns in ("indices", "indices_t"):
                assert torch.equal(
                    ours.tensors[columns][first_edge:][:edges] - start, theirs.tensors[columns]
                )
            assert torch.equal(ours.indptr[start:][:nodes] - first_edge, theirs.indptr[:-1])


@pytest.mark.parametrize("padding", [{}, {"num_rows": 60, "num_edges": 200}])
def test_inverse_of_members(small, padding):
    """In every replica, also where the others have more rows: two entries per pair, one for a single node, none for padding."""
    coarsening = Coarsening("graph", range(2), torch.tensor([1, 2, 3]))
    below = batch = small.batch(
        torch.tensor([[0, 1, 2], [7, 5, 6], [4, 4, 3]]), coarsening=coarsening, **padding
    )
    for level in (1, 2):
        coarse = batch.coarse(level)
        pairs = len(coarse.members)
        expected = torch.full((below.num_rows,), 2 * pairs)
        for number, (first, second) in enumerate(coarse.members.tolist()):
            if coarse.real[number]:
                expected[second] = pairs + number
                expected[first] = number
        assert torch.equal(coarse.inverse_members, expected)
        assert (expected < 2 * pairs).sum() == below.num_nodes.sum()
        assert torch.equal(expected < 2 * pairs, below.real)
        below = coarse


def test_every_epoch_draws_anew_and_evaluation_does_not(small):
    coarsening = Coarsening("graph", range(1), SEED)
    pairs = [small.batch(rng_key=d, coarsening=coarsening).coarse(1).members.tolist() for d in (0, 0, 1, 2)]
    assert pairs[0] == pairs[1]
    assert pairs[2] != pairs[3]


def test_cached_graphs_are_not_drawn_again(small, monkeypatch):
    coarsening = Coarsening("graph", range(2), SEED, cache={})
    first, other = small.batch(coarsening=coarsening), small.batch([1, 2], coarsening=coarsening)
    monkeypatch.setattr(Coarsening, "_coarsen", None)
    again, another = small.batch(coarsening=coarsening), small.batch([1, 2], coarsening=coarsening)
    for a, b in ((first, again), (other, another)):
        torch.testing.assert_close(a.tensors, b.tensors, rtol=0, atol=0)
    for other in ({"index": [2, 1, 0]}, {"index": [1, 2], "rng_key": 1}, {"index": [[1], [2]]}):
        with pytest.raises(TypeError):  # nothing cached is of use
            small.batch(**other, coarsening=coarsening)

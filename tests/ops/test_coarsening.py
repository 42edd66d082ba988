"""The coarse graph of a matching against networkx, and replicas against one by one."""

import networkx as nx
import pytest
import torch
from graphs import named_graphs

from rethinkpool_core.ops.coarsening import coarsen

SEED = torch.tensor(3)


def graph_of(batch, place: int) -> set[tuple[int, int]]:
    """Edges of one graph of a batch, its nodes counted from 0."""
    rows = torch.repeat_interleave(torch.arange(batch.num_rows), batch.A.row_sum())
    first, last = int(batch.pointer[place]), int(batch.pointer[place + 1])
    return {
        (int(i) - first, int(j) - first)
        for i, j in zip(rows, batch.columns, strict=True)
        if first <= i < last
    }


@pytest.mark.parametrize("kind", ["graph", "complement"])
@pytest.mark.parametrize("graphs", ["small", "digraphs"])
def test_coarse_graph_is_the_quotient(graphs, kind, request):
    """Edges once, without loops, where any members had one; the transpose is the transpose."""
    batch = request.getfixturevalue(graphs).batch(draw=1)
    members, coarse = coarsen(batch, kind, SEED, 1)
    for place in range(batch.num_graphs):
        first = int(batch.pointer[place])
        mine = members[coarse.pointer[place] : coarse.pointer[place + 1]] - first
        blocks = [set(pair) for pair in mine.tolist()]
        original = nx.DiGraph(sorted(graph_of(batch, place)))
        original.add_nodes_from(range(int(batch.num_nodes[place])))
        assert set().union(*blocks) == set(original.nodes)
        quotient = nx.quotient_graph(original, blocks, create_using=nx.DiGraph)
        number = {frozenset(block): i for i, block in enumerate(blocks)}
        assert graph_of(coarse, place) == {(number[a], number[b]) for a, b in quotient.edges}
    identity = torch.eye(coarse.num_rows, dtype=torch.float64)
    torch.testing.assert_close(coarse.A.T @ identity, (coarse.A @ identity).T)
    assert torch.equal(coarse.num_nodes, coarse.pointer.diff()[:-1])


@pytest.mark.parametrize("kind", ["graph", "complement"])
def test_a_graph_is_matched_alike_in_every_batch_and_beside_other_replicas(small, kind):
    names = list(named_graphs())
    petersen = names.index("petersen")

    def structure(batch, seed=SEED):
        members, coarse = coarsen(batch, kind, seed, 2)
        place = int((batch.graph_id == petersen).nonzero())
        rows = slice(int(coarse.pointer[place]), int(coarse.pointer[place + 1]))
        return (members[rows] - batch.pointer[place]).tolist(), graph_of(coarse, place)

    alone = structure(small.batch([petersen]))
    assert structure(small.batch()) == alone
    assert structure(small.batch(num_rows=100, num_edges=300)) == alone

    batch = small.batch(torch.tensor([[petersen, 0], [petersen, 6], [petersen, 4]]))
    seeds = torch.tensor([5, 3, 9])

    def one(tensors, seed):
        members, coarse = coarsen(batch.with_tensors(tensors), kind, seed, 2)
        return members, {name: coarse.tensors[name] for name in ("pointer", "columns", "offsets")}

    members, tensors = torch.vmap(one)(batch.tensors, seeds)
    for replica in range(3):
        single = small.batch([petersen, [0, 6, 4][replica]])
        theirs, coarse = coarsen(single, kind, seeds[replica], 2)
        count = len(theirs)
        assert torch.equal(members[replica, :count], theirs)
        assert torch.equal(tensors["pointer"][replica, :-1], coarse.pointer[:-1])
        assert torch.equal(tensors["columns"][replica, : len(coarse.columns)], coarse.columns)


def test_every_epoch_draws_anew_and_evaluation_does_not(small):
    pairs = [coarsen(small.batch(draw=draw), "graph", SEED, 1)[0].tolist() for draw in (0, 0, 1, 2)]
    assert pairs[0] == pairs[1]
    assert pairs[2] != pairs[3]

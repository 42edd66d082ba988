"""The coarse graph of a matching: pairs become nodes, joined where any of their members were."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from rethinkpool_core.ops.hashing import hash64
from rethinkpool_core.ops.matching import complement_matching, graph_matching

if TYPE_CHECKING:
    from rethinkpool_core.data.batch import Batch


def coarsen(batch: Batch, kind: str, seed: Tensor, level: int) -> tuple[Tensor, Batch]:
    """Members of each coarse node, (C, 2) rows of ``batch`` (a single node twice), and the coarse batch.

    kind    "graph": the matching runs on the edges; "complement": on the pairs without an edge
    seed    () int64, the model's; a graph's matching is a function of (seed, level, batch.draw, graph_id) and of the graph
    The coarse batch has nodes, edges and their graphs, but no features and no padded groups; beside other replicas it may
    have padding rows.
    """
    graph_id = torch.cat([batch.graph_id, batch.graph_id.new_full((1,), -1)])
    key = hash64(seed, batch.draw, graph_id[batch.graph], batch.position, level)
    members, graph, pointer, num_nodes, position, *adjacency = _Coarsen.apply(
        kind == "complement", batch.columns, batch.offsets, batch.graph, key, batch.pointer
    )
    tensors = {name: batch.tensors[name] for name in ("y", "graph_id", "draw")}
    tensors |= {"graph": graph, "pointer": pointer, "num_nodes": num_nodes, "position": position}
    tensors |= dict(zip(("columns", "offsets", "columns_t", "offsets_t"), adjacency, strict=True))
    return members, replace(batch, tensors=tensors, groups=(), padded=True)


class _Coarsen(torch.autograd.Function):
    """Nothing here has a gradient; a Function only so that replicas can fold into one graph (`vmap`).

    The number of rounds and of coarse nodes depends on the data, which vmap alone does not allow.
    """

    @staticmethod
    def forward(complement, columns, offsets, graph, key, pointer):
        parts = (columns, offsets, graph, key, pointer)
        return tuple(out[0] for out in _coarsen_replicas(complement, *(part[None] for part in parts)))

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.mark_non_differentiable(*output)

    @staticmethod
    def backward(ctx, *grads):
        return (None,) * 6

    @staticmethod
    def vmap(info, in_dims, complement, *parts):
        R = info.batch_size
        parts = [
            t.movedim(d, 0) if d is not None else t.expand(R, *t.shape)
            for t, d in zip(parts, in_dims[1:], strict=True)
        ]
        out = _coarsen_replicas(complement, *parts)
        return out, (0,) * len(out)


def _coarsen_replicas(complement: bool, columns, offsets, graph, key, pointer) -> tuple[Tensor, ...]:
    """All arguments with a leading axis of R replicas, which are one graph of R * N nodes here."""
    R, N = graph.shape
    E, num_graphs = columns.shape[1], pointer.shape[1] - 1  # the dummy graph included
    device = graph.device
    replica = torch.arange(R, device=device)[:, None]
    source = torch.searchsorted(
        offsets[:, 1:].contiguous(), torch.arange(E, device=device).expand(R, E).contiguous(), right=True
    )
    u, v = (source + replica * N).reshape(-1), (columns + replica * N).reshape(-1)
    flat_graph = (graph + replica * num_graphs).reshape(-1)
    is_real = (graph < num_graphs - 1).reshape(-1)
    keep = is_real[u]
    u, v = u[keep], v[keep]
    match = complement_matching if complement else graph_matching
    nodes = torch.nonzero(is_real).squeeze(1)
    dense = torch.full((R * N,), -1, device=device).index_copy(
        0, nodes, torch.arange(len(nodes), device=device)
    )
    matched = match(dense[u], dense[v], flat_graph[nodes], key.reshape(-1)[nodes])
    partner = torch.arange(R * N, device=device).index_copy(0, nodes, nodes[matched])

    itself = torch.arange(R * N, device=device)
    leader = torch.minimum(itself, partner)
    leads = (
        leader == itself
    ) & is_real  # padding nodes leave; new ones are made below where shapes need them
    rank = leads.view(R, N).cumsum(1) - 1  # a coarse node's number in its replica
    sizes = leads.view(R, N).sum(1)
    cluster = rank.reshape(-1)[leader]

    # Edges of the coarse graph: once each, without loops, sorted by source, replica by replica.
    C = int(sizes.max())
    a, b = cluster[u], cluster[v]
    code = ((u // N) * max(C, 1) + a)[a != b] * max(C, 1) + b[a != b]
    code = code.unique()
    of_replica, a, b = code // max(C, 1) ** 2, code // max(C, 1) % max(C, 1), code % max(C, 1)
    edges = torch.bincount(of_replica, minlength=R)
    E = int(edges.max()) if R else 0
    if R > 1 and bool(((sizes == C) & (edges < E)).any()):
        C += 1  # padding edges need a padding node

    row = torch.arange(C, device=device).expand(R, C)
    real = row < sizes[:, None]
    leaders = torch.nonzero(leads).squeeze(1)
    at = (row + (sizes.cumsum(0) - sizes)[:, None]).clamp(max=max(len(leaders) - 1, 0))
    first = leaders[at] if len(leaders) else torch.zeros(R, C, dtype=torch.int64, device=device)
    members = torch.stack([first, partner[first]], -1) % N if N else first.new_zeros(R, C, 2)
    members = torch.where(real[..., None], members, 0)
    new_graph = torch.where(real, graph.gather(1, members[..., 0]), num_graphs - 1)
    new_pointer = torch.searchsorted(
        new_graph.contiguous(), torch.arange(num_graphs + 1, device=device).expand(R, -1).contiguous()
    )
    num_nodes = new_pointer.diff()[:, :-1]
    position = row - new_pointer.gather(1, new_graph)

    def csr(rows: Tensor, columns: Tensor) -> tuple[Tensor, Tensor]:
        """From sorted (replica, row) entries to padded (R, E) columns and (R, C + 1) offsets."""
        place = torch.arange(len(rows), device=device) - (edges.cumsum(0) - edges)[of_replica]
        padded = torch.full((R, E), max(C - 1, 0), device=device)
        padded[of_replica, place] = columns
        offsets = torch.zeros(R, C + 1, dtype=torch.int64, device=device)
        offsets[:, 1:] = torch.bincount(of_replica * C + rows, minlength=R * C).view(R, C).cumsum(1)
        offsets[:, -1] = E
        return padded, offsets

    forward = csr(a, b)
    order = ((of_replica * max(C, 1) + b) * max(C, 1) + a).argsort()
    a, b = a[order], b[order]
    return members, new_graph, new_pointer, num_nodes, position, *forward, *csr(b, a)

"""The convolutions against PyG's, OGB's, and loops written from the equations."""

import pytest
import torch
from small_graphs import input_graph
from torch_geometric.nn import DenseGraphConv, DenseSAGEConv
from torch_geometric.nn import GraphConv as SparseGraphConv

from rethinkpool_core.datasets.sources.ogb import import_ogb_quietly
from rethinkpool_core.engine.assignment import Assignment
from rethinkpool_core.engine.pooled import pool
from rethinkpool_core.ops.convolutions import GraphConv, MoleculeConv, SAGEConv, unit_rows
from rethinkpool_core.ops.molecules import ATOM_DIMS, BOND_DIMS, CategoryEmbedding


def entries(batch):
    """Rows and columns of the adjacency matrix's entries."""
    rows = torch.repeat_interleave(torch.arange(batch.num_rows), batch.A.degree())
    return rows, batch.indices


@pytest.mark.parametrize("graphs", ["small", "digraphs"])
class TestAgainstPyG:
    def test_sparse_graph_conv(self, graphs, request):
        """PyG's messages go from source to target: its neighbour sum is our A^T X."""
        batch = request.getfixturevalue(graphs).batch()
        ours, theirs = GraphConv(3, 4).double(), SparseGraphConv(3, 4, aggr="add").double()
        theirs.lin_rel, theirs.lin_root = ours.lin_rel, ours.lin_root
        torch.testing.assert_close(ours(input_graph(batch)).x, theirs(batch.x, torch.stack(entries(batch))))

    def test_dense_graph_conv(self, graphs, request):
        batch = request.getfixturevalue(graphs).batch()
        ours = GraphConv(3, 4, flow="target_to_source").double()
        theirs = DenseGraphConv(3, 4).double()
        theirs.lin_rel, theirs.lin_root = ours.lin_rel, ours.lin_root
        A = (batch.A @ torch.eye(batch.num_rows, dtype=torch.float64))[None]
        torch.testing.assert_close(ours(input_graph(batch)).x, theirs(batch.x[None], A)[0])

    @pytest.mark.parametrize("out_dim", [4, 1])  # wider than the input, and narrower: weights last, and first
    @pytest.mark.parametrize("normalize", [False, True])
    def test_todays_sage(self, graphs, normalize, out_dim, request):
        batch = request.getfixturevalue(graphs).batch()
        ours = SAGEConv(3, out_dim, sage="pyg2", normalize=normalize).double()
        assert ours.project_first is (out_dim == 1)
        theirs = DenseSAGEConv(3, out_dim, normalize=normalize).double()
        theirs.lin_rel.weight, theirs.lin_root.weight, theirs.lin_root.bias = (
            ours.lin_rel.weight,
            ours.lin_root.weight,
            ours.lin_root.bias,
        )
        A = (batch.A @ torch.eye(batch.num_rows, dtype=torch.float64))[None]
        x = batch.x.clone().requires_grad_()
        results = ours(input_graph(batch, x)).x, theirs(x[None], A)[0]
        torch.testing.assert_close(*results)
        weight = torch.randn_like(results[0])
        leaves = [x, *ours.parameters()]
        torch.testing.assert_close(*(torch.autograd.grad((y * weight).sum(), leaves) for y in results))


def test_sage_follows_graph_conv(small):
    """Without anything in between, as in DIFFPOOL on IMDB-B: the same as on the written result of the first."""
    graph, first = input_graph(small.batch()), GraphConv(3, 4, flow="target_to_source").double()
    second = SAGEConv(4, 2, sage="2020").double()
    torch.testing.assert_close(second(first(graph)).x, second(graph.with_x(first(graph).x)).x)


@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize(("loop", "normalize"), [(True, True), (False, False)])
def test_sage_of_2020_against_a_loop(digraphs, loop, normalize, pooled):
    """y_i = (sum_j A_ij x_j / max(sum_j A_ij, 1)) W + b, with A_ii = 1 first if there is a loop; on weighted graphs too."""
    batch = digraphs.batch([2])
    graph = input_graph(batch)
    matrix, x = batch.A @ torch.eye(batch.num_rows, dtype=torch.float64), batch.x
    if pooled:
        S = torch.rand(batch.num_rows, 4, dtype=torch.float64).softmax(-1)
        matrix, x = S.T @ matrix @ S, torch.randn(4, 3, dtype=torch.float64)
        graph = pool(graph, Assignment(S, graph.nodes)).with_x(x[None])
    conv = SAGEConv(3, 5, sage="2020", add_self_loops=loop, normalize=normalize).double()
    ours = conv(graph).x.view(-1, 5)
    matrix = matrix.clone()
    for i in range(len(x)):
        if loop:
            matrix[i, i] = 1.0
        total, weight = torch.zeros(3, dtype=torch.float64), 0.0
        for j in range(len(x)):
            total, weight = total + matrix[i, j] * x[j], weight + float(matrix[i, j])
        row = conv.lin_rel.weight @ (total / max(weight, 1.0)) + conv.lin_rel.bias
        row = row / row.norm() if normalize else row
        torch.testing.assert_close(ours[i], row, atol=1e-12, rtol=0)


def test_unit_rows_of_zeros_have_a_finite_gradient():
    x = torch.zeros(2, 3, requires_grad=True)
    unit_rows(x).sum().backward()
    assert torch.isfinite(x.grad).all()


def test_molecule_convolution_against_a_loop(molecules):
    """h = W x + c; sum over neighbours of relu(h_j + bond(e_ij)), plus relu(h_i + root)."""
    batch = molecules.batch()
    conv = MoleculeConv(5).double()
    x = torch.randn(batch.num_rows, 5, dtype=torch.float64)
    h = x @ conv.linear.weight.T + conv.linear.bias
    expected = (h + conv.root).relu()
    starts = torch.tensor([0, *BOND_DIMS]).cumsum(0)
    for (i, j), codes in zip(torch.stack(entries(batch), 1).tolist(), batch.edge_attr.tolist(), strict=True):
        bond = sum(conv.bond.table[starts[column] + code] for column, code in enumerate(codes))
        expected[i] = expected[i] + (h[j] + bond).relu()
    torch.testing.assert_close(conv(input_graph(batch, x)).x, expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize(("kind", "sizes"), [("Atom", ATOM_DIMS), ("Bond", BOND_DIMS)])
def test_category_embedding_is_ogbs_encoder(kind, sizes):
    import_ogb_quietly()
    from ogb.graphproppred import mol_encoder

    theirs = getattr(mol_encoder, f"{kind}Encoder")(emb_dim=6)
    ours = CategoryEmbedding(sizes, 6)
    tables = getattr(theirs, f"{kind.lower()}_embedding_list")
    assert tuple(table.num_embeddings for table in tables) == sizes
    with torch.no_grad():
        ours.table.copy_(torch.cat([table.weight for table in tables]))
    codes = torch.stack([torch.randint(size, (50,)) for size in sizes], 1)
    torch.testing.assert_close(ours(codes), theirs(codes))


@pytest.mark.parametrize("graphs", ["small", "digraphs"])
@pytest.mark.parametrize(
    "conv",
    [
        GraphConv(3, 4, flow="target_to_source"),
        SAGEConv(3, 4, sage="2020", normalize=True),
        SAGEConv(3, 1, sage="pyg2"),
        SAGEConv(3, 4, sage="pyg2"),
    ],
    ids=["sum", "2020", "pyg2 projected first", "pyg2"],
)
def test_relu_in_the_same_pass_is_the_relu(conv, graphs, request):
    graph = input_graph(request.getfixturevalue(graphs).batch())
    x = conv.double()(graph).x
    assert (x < 0).any()
    torch.testing.assert_close(conv(graph).relu().x, x.relu(), atol=1e-14, rtol=0)

"""Datasets from graphs of PyG: equal to the built-in loader, back again, and refused in one sentence."""

from __future__ import annotations

import networkx as nx
import pytest
import torch
from torch_geometric.data import Batch as PygBatch
from torch_geometric.data import Data, HeteroData
from torch_geometric.datasets import FakeDataset, TUDataset

from rethinkpool_core import GraphDataset, build_model, load_dataset, train
from rethinkpool_core.analysis.assignments import first_assignment
from rethinkpool_core.errors import DataError, UnknownNameError, UsageError


def path(nodes: int, y=0, width: int = 2, **values) -> Data:
    edges = torch.tensor([[*range(nodes - 1)], [*range(1, nodes)]]).reshape(2, -1)
    given = {
        "x": torch.rand(nodes, width),
        "edge_index": torch.cat([edges, edges.flip(0)], 1),
        "y": torch.tensor([y]),
    }
    return Data(**(given | values))


def some(count: int = 12) -> list[Data]:
    return [path(3 + number % 4, number % 2) for number in range(count)]


def assert_same_store(one: GraphDataset, other: GraphDataset) -> None:
    tensors, others = one.store.tensors(), other.store.tensors()
    assert tensors.keys() == others.keys()
    for key, tensor in tensors.items():
        assert tensor.dtype == others[key].dtype and torch.equal(tensor, others[key]), key


@pytest.mark.parametrize("root", ["small_root", pytest.param("whole_root", marks=pytest.mark.slow)])
def test_proteins_is_that_of_the_built_in_loader(root, request):
    folder = request.getfixturevalue(root)("PROTEINS")
    ours = load_dataset("PROTEINS", folder)
    theirs = GraphDataset.from_pyg(TUDataset(str(folder / "TUDataset"), "PROTEINS"), name="MINE")
    assert_same_store(ours, theirs)
    assert (theirs.checksum, theirs.num_features, theirs.num_classes) == (
        ours.checksum,
        ours.num_features,
        2,
    )
    assert all(torch.equal(getattr(ours, part), getattr(theirs, part)) for part in ("train", "val", "test"))
    losses = [
        train("MINCUTPOOL", one, 1, max_epochs=2, device="cpu", progress=False)[0].curves
        for one in (ours, theirs)
    ]
    for name in ("train_loss", "cut", "orthogonality", "val_loss"):
        assert losses[0][name] == losses[1][name]


def test_there_and_back():
    digits = load_dataset("DIGITS")
    again = GraphDataset.from_pyg(digits, name="AGAIN", task="multiclass", like="DIGITS")
    assert_same_store(digits, again)
    assert len(again) == len(digits) == 1797
    seventh = again[7]
    assert torch.equal(seventh.x, digits.to_pyg()[7].x) and seventh.y.tolist() == [int(digits.store.y[7])]
    assert again[-1].num_nodes == [graph.num_nodes for graph in again][-1]
    with pytest.raises(IndexError):
        again[1797]


def test_a_slice_is_a_list_of_graphs():
    dataset = GraphDataset.from_pyg(some(12), name="SLICES")
    assert [int(graph.graph_id) for graph in dataset[2:-1:4]] == [2, 6, 10]
    assert dataset[12:] == []


def test_kinds_of_features():
    floats = GraphDataset.from_pyg(some(), name="FLOATS")
    assert (floats.spec.features, floats.num_features) == ("dense", 2)
    labels = [path(4, number % 2, x=torch.tensor([0, 2, number % 4, 1])) for number in range(9)]
    categories = GraphDataset.from_pyg(labels, name="LABELS")
    assert (categories.spec.features, categories.num_features) == ("one_hot", 4)
    assert categories[3].x.tolist() == [[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0]]
    pairs = [path(2, number % 2, x=torch.tensor([[0, 1], [2, 0]])) for number in range(6)]
    side_by_side = GraphDataset.from_pyg(pairs, name="PAIRS")
    assert side_by_side[0].x.tolist() == [[1, 0, 0, 0, 1], [0, 0, 1, 1, 0]]
    without = [
        Data(edge_index=torch.tensor([[0], [2]]), num_nodes=4, y=torch.tensor(number % 2))
        for number in range(6)
    ]
    assert GraphDataset.from_pyg(without, name="NONE")[0].x.tolist() == [[1.0] * 10] * 4


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.bool])
def test_one_hot_rows_are_categories_in_every_type(dtype):
    """Those of integers, as torch's one_hot makes them, were taken for columns of categories and doubled in width."""
    rows = [torch.eye(3)[[number % 3, 2, 1]].to(dtype) for number in range(6)]
    dataset = GraphDataset.from_pyg([path(3, x=x) for x in rows], name="ONE-HOT")
    assert (dataset.spec.features, dataset.num_features) == ("one_hot", 3)
    assert dataset[4].x.tolist() == rows[4].tolist()


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_features_without_columns_are_none(dtype):
    """As TUDataset gives them for a set with attributes and without labels."""
    dataset = GraphDataset.from_pyg([path(3, x=torch.empty(3, 0, dtype=dtype))] * 4, name="EMPTY")
    assert dataset.spec.features == "ones" and dataset[0].x.tolist() == [[1.0] * 10] * 3


def test_types_of_numbers():
    graphs = [path(3, number % 2, x=torch.tensor([0, 2, 1])) for number in range(6)]
    small = [
        Data(x=graph.x.to(torch.uint16), edge_index=graph.edge_index.short(), y=graph.y.to(torch.uint16))
        for graph in graphs
    ]
    assert_same_store(*(GraphDataset.from_pyg(each, name="TYPES") for each in (graphs, small)))


def test_directed_graphs_and_graphs_without_edges_or_nodes():
    graphs = some()
    graphs[1] = Data(x=torch.rand(3, 2), edge_index=torch.tensor([[2, 0], [1, 1]]), y=torch.tensor([1]))
    graphs[2] = Data(x=torch.rand(3, 2), y=torch.tensor([0]))
    graphs[3] = Data(x=torch.rand(0, 2), edge_index=torch.empty(2, 0, dtype=torch.long), y=torch.tensor([1]))
    dataset = GraphDataset.from_pyg(graphs, name="ODD")
    assert dataset[1].edge_index.tolist() == [[0, 2], [1, 1]]  # sorted
    assert dataset.store.num_edges[2] == 0 and dataset.store.num_nodes[3] == 0
    for record in train("GRACLUS", dataset, 2, max_epochs=2, device="cpu", progress=False):
        assert record.error is None


def test_loops_and_repeated_edges_are_dropped(caplog):
    """A directed path whose nodes have loops was matched node by node with itself, and two parallel edges counted as two."""
    edges = torch.tensor([[0, 1, 2, 3, 0, 1, 2, 0], [0, 1, 2, 3, 1, 2, 3, 1]])
    graphs = [path(4, number % 2, edge_index=edges) for number in range(40)]
    dataset = GraphDataset.from_pyg(graphs, name="LOOPS")
    assert dataset[0].edge_index.tolist() == [[0, 1, 2], [1, 2, 3]]
    assert [record.getMessage() for record in caplog.records] == [
        "LOOPS: self-loops and repetitions of an edge are dropped, 200 in all"
    ]
    model = build_model("GRACLUS", dataset)
    for number in range(len(dataset)):
        pairs = {
            tuple(cluster.nonzero()[:, 0].tolist())
            for cluster in first_assignment(model, dataset, number).T
            if cluster.sum() == 2
        }
        assert nx.is_maximal_matching(nx.path_graph(4), pairs)
    batch = PygBatch.from_data_list(graphs[:5])
    for name in ("DIFFPOOL", "MINCUTPOOL"):
        model = build_model(name, dataset).eval()
        logits, losses = model(batch)
        expected, of_simple = model(PygBatch.from_data_list([dataset[number] for number in range(5)]))
        assert torch.equal(logits, expected) and losses == of_simple


def test_tasks_metrics_and_splits():
    targets = [path(3, y=0.5 * number) for number in range(10)]
    regression = GraphDataset.from_pyg(targets, name="REAL")
    assert (regression.spec.task, regression.spec.metric, regression.num_classes) == ("regression", "mae", 1)
    scored = GraphDataset.from_pyg(some(), name="AUC", metric="rocauc")
    assert (scored.spec.task, scored.spec.metric) == ("binary", "rocauc")
    three = [path(3, number % 3) for number in range(9)]
    assert GraphDataset.from_pyg(three, name="THREE").num_classes == 3
    split = {"train": [0, 1, 2, 3, 4, 5], "val": torch.tensor([6, 7]), "test": [8, 9]}
    given = GraphDataset.from_pyg(some(10), name="GIVEN", split=split)
    assert given.test.tolist() == [8, 9] and given.with_split(5).test.tolist() == [8, 9]
    small = {part: torch.as_tensor(index).to(torch.uint8) for part, index in split.items()}
    assert GraphDataset.from_pyg(some(10), name="SMALL", split=small).train.tolist() == split["train"]
    drawn = GraphDataset.from_pyg(some(30), name="DRAWN")
    assert drawn.with_split(1).test.tolist() != drawn.with_split(2).test.tolist()


def test_a_dataset_that_the_package_does_not_know():
    fake = FakeDataset(num_graphs=40, avg_num_nodes=12, num_channels=5, num_classes=3, edge_dim=2)
    dataset = GraphDataset.from_pyg(fake, name="FAKE")
    for record in train("N-DIFFPOOL-V2", dataset, 2, max_epochs=2, device="cpu", progress=False):
        assert record.error is None and record.dataset == "FAKE"


def test_edge_features_are_mentioned_once(caplog):
    graphs = [path(3, number % 2, edge_attr=torch.rand(4, 2)) for number in range(6)]
    GraphDataset.from_pyg(graphs, name="EDGES")
    assert [record.getMessage().split(":")[0] for record in caplog.records] == ["EDGES"]


def with_graph(number: int, graph: Data) -> list[Data]:
    graphs = some()
    graphs[number] = graph
    return graphs


BAD = {
    "no graphs": ([], {}, DataError, "no graph"),
    "one graph": (path(3), {}, UsageError, "a list"),
    "one graph of several kinds": (HeteroData(), {}, UsageError, "a list"),
    "nothing": (None, {}, UsageError, "MINE was given NoneType: give a list"),
    "no Data": ([1, 2, 3], {}, UsageError, "graph 0"),
    "widths": (with_graph(3, path(3, width=5)), {}, DataError, "graph 3"),
    "some without features": (with_graph(3, path(3, x=None)), {}, DataError, "graph 3"),
    "floats and integers": (with_graph(3, path(3, x=torch.ones(3, 2).long())), {}, DataError, "integers"),
    "NaN": (
        with_graph(3, path(3, x=torch.tensor([[1.0, 2], [3, torch.nan], [0, 0]]))),
        {},
        DataError,
        "graph 3",
    ),
    "names of nodes": ([path(2, x=torch.tensor([0, 9999]))] * 4, {}, DataError, "up to 9999"),
    "negative category": ([path(2, x=torch.tensor([0, -1]))] * 4, {}, DataError, "-1"),
    "edge outside": (with_graph(3, path(3, edge_index=torch.tensor([[0], [3]]))), {}, DataError, "node 3"),
    "edges as a sparse matrix": (
        with_graph(3, Data(x=torch.rand(3, 2), adj_t=torch.eye(3).to_sparse(), y=0)),
        {},
        DataError,
        "graph 3 of MINE has adj_t in place of edge_index",
    ),
    "edges as a dense matrix": (
        with_graph(3, Data(x=torch.rand(3, 2), adj=torch.eye(3), y=0)),
        {},
        DataError,
        "graph 3 of MINE has adj in place of edge_index",
    ),
    "edges in a list": (with_graph(3, path(3, edge_index=[[0], [1]])), {}, DataError, "of type list"),
    "edge of truths": (with_graph(3, path(3, edge_index=torch.eye(2).bool())), {}, DataError, "torch.bool"),
    "edge of floats": (with_graph(3, path(3, edge_index=torch.rand(2, 4))), {}, DataError, "edge_index"),
    "no target": (
        with_graph(3, Data(x=torch.rand(2, 2))),
        {},
        DataError,
        "graph 3",
    ),
    "two targets": (with_graph(3, path(3, y=[0, 1])), {}, DataError, "graph 3"),
    "negative class": (with_graph(3, path(3, y=-1)), {}, DataError, "-1"),
    "features in a list": (with_graph(2, Data(x=[[1.0, 2.0]], y=0)), {}, DataError, "graph 2"),
    "three dimensions": (
        [path(3, x=torch.rand(3, 2, 2))] * 4,
        {},
        DataError,
        "graph 0 of MINE has node features of shape (3, 2, 2): give one row per node",
    ),
    "sparse features": (with_graph(2, path(3, x=torch.eye(3).to_sparse())), {}, DataError, "give a dense"),
    "complex features": (with_graph(2, path(3, x=torch.ones(3, 2) * 1j)), {}, DataError, "real numbers"),
    "fewer rows than nodes": (
        with_graph(2, Data(x=torch.rand(3, 2), num_nodes=5, y=0)),
        {},
        DataError,
        "graph 2 of MINE has 3 rows of node features and num_nodes is 5",
    ),
    "beyond float32": (
        with_graph(2, path(3, x=torch.full((3, 2), 1e300, dtype=torch.float64))),
        {},
        DataError,
        "graph 2",
    ),
    "no nodes": ([Data(x=torch.rand(0, 2), y=0)] * 4, {}, DataError, "no graph of MINE has a node"),
    "neither nodes nor features": (
        [Data(num_nodes=0, y=0)] * 4,
        {},
        DataError,
        "no graph of MINE has a node",
    ),
    "target is a word": (
        with_graph(3, Data(x=torch.rand(3, 2), y="active")),
        {},
        DataError,
        "graph 3 of MINE has the target",
    ),
    "class out of range": (with_graph(3, path(3, y=2)), {"task": "binary"}, DataError, "graph 3"),
    "class of floats": (with_graph(3, path(3, y=0.5)), {"task": "binary"}, DataError, "0.5"),
    "complex target": (with_graph(3, path(3, y=1j)), {}, DataError, "type torch.complex64"),
    "target beyond float32": (
        with_graph(3, path(3, y=torch.tensor(1e300, dtype=torch.float64))),
        {},
        DataError,
        "graph 3",
    ),
    "class of a million": (
        with_graph(3, path(3, y=10**6)),
        {},
        DataError,
        "graph 3 of MINE has the class 1000000, and there are at most 4096 classes",
    ),
    "target is NaN": ([path(3, y=torch.nan)] * 4, {}, DataError, "graph 0"),
    "task": (some(), {"task": "binry"}, UnknownNameError, "binary"),
    "metric": (some(), {"metric": "f1"}, UnknownNameError, "accuracy"),
    "metric of another task": (some(), {"metric": "mae"}, UsageError, "mae"),
    "like": (some(), {"like": "PROTIENS"}, UnknownNameError, "PROTEINS"),
    "name of a dataset": (some(), {"name": "NCI1"}, UsageError, "NCI1"),
    "name of a TU set": (some(), {"name": "TU:MUTAG"}, UsageError, "MUTAG"),
    "no name": (some(), {"name": " "}, UsageError, "MY-GRAPHS"),
    "split without test": (some(), {"split": {"train": [1], "val": [2]}}, UsageError, "test"),
    "overlapping split": (
        some(),
        {"split": {"train": [0, 1, 2], "val": [2, 3], "test": [4]}},
        UsageError,
        "graph 2",
    ),
    "graph twice": (some(), {"split": {"train": [0, 0], "val": [2, 3], "test": [4]}}, UsageError, "graph 0"),
    "split outside": (some(), {"split": {"train": [0], "val": [2], "test": [12]}}, UsageError, "0 to 11"),
    "split of words": (some(), {"split": {"train": ["a"], "val": [2], "test": [3]}}, UsageError, "train"),
    "split of nothing": (some(), {"split": {"train": [0], "val": None, "test": [3]}}, UsageError, "val"),
    "empty split": (some(), {"split": {"train": [0], "val": [], "test": [1]}}, UsageError, "val"),
    "too few": (some(2), {}, DataError, "3"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_used_is_said_in_one_sentence(case):
    graphs, options, kind, word = BAD[case]
    with pytest.raises(kind) as caught:
        GraphDataset.from_pyg(graphs, **({"name": "MINE"} | options))
    text = str(caught.value)
    assert word in text and "\n" not in text and not text.endswith(".") and "fetch" not in text

"""TU folders with faults that PyG would misread, and the features of sets nobody registered."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import pytest
import torch
from tu_files import write_tu, write_tu_mirror

from rethinkpool_core.datasets import load_dataset
from rethinkpool_core.datasets.features import encode
from rethinkpool_core.datasets.fetch import fetch
from rethinkpool_core.errors import DataError


@pytest.fixture
def raw(tiny_root: Path) -> Path:
    return tiny_root / "TUDataset" / "TINY" / "raw"


def load(raw: Path):
    return load_dataset("TU:TINY", raw.parents[2])


def test_spec_is_completed_from_the_data(raw: Path) -> None:
    dataset = load(raw)
    assert (dataset.spec.task, dataset.spec.features) == ("binary", "one_hot")
    assert (dataset.num_features, dataset.num_classes, dataset.max_nodes) == (4, 2, 5)
    assert dataset.store.y.tolist() == [0, 1] * 10


def test_statistics_count_labels_that_occur_and_undirected_edges(raw: Path) -> None:
    assert load(raw).statistics() == {
        "num_graphs": 20,
        "num_classes": 2,
        "num_node_features": None,
        "num_node_labels": 3,
        "avg_nodes": pytest.approx(79 / 20),
        "avg_edges": pytest.approx(59 / 20),
    }


def test_labels_become_one_hot(raw: Path) -> None:
    dataset = load(raw)
    assert encode(dataset.store.graph(0)[0], dataset).tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]]


def test_without_labels_nodes_get_ten_ones(raw: Path) -> None:
    (raw / "TINY_node_labels.txt").unlink()
    dataset = load(raw)
    assert dataset.spec.features == "ones"
    assert torch.equal(encode(dataset.store.graph(1)[0], dataset), torch.ones(4, 10))


def test_attributes_are_used_when_there_are_no_labels(raw: Path) -> None:
    (raw / "TINY_node_labels.txt").rename(raw / "TINY_node_attributes.txt")
    dataset = load(raw)
    assert dataset.spec.features == "dense"
    assert encode(dataset.store.graph(0)[0], dataset).tolist() == [[1.0], [2.0], [4.0]]


def test_three_classes_make_the_task_multiclass(raw: Path) -> None:
    labels = raw / "TINY_graph_labels.txt"
    labels.write_text("7\n" + labels.read_text().split("\n", 1)[1])
    dataset = load(raw)
    assert (dataset.spec.task, dataset.num_classes) == ("multiclass", 3)


def test_graph_attributes_make_a_regression(raw: Path) -> None:
    (raw / "TINY_graph_labels.txt").unlink()
    (raw / "TINY_graph_attributes.txt").write_text("".join(f"{i / 4}\n" for i in range(20)))
    dataset = load(raw)
    assert (dataset.spec.task, dataset.spec.loss, dataset.num_classes) == ("regression", "l1", 1)
    assert dataset.store.y.tolist() == [i / 4 for i in range(20)]


def test_with_split_draws_anew_on_the_same_graphs(raw: Path) -> None:
    dataset = load(raw)
    other = dataset.with_split(5)
    assert other.store is dataset.store
    assert other.split_seed == 5
    assert torch.equal(other.test, load_dataset("TU:TINY", raw.parents[2], split_seed=5).test)


@pytest.mark.parametrize("kind", ["A", "graph_indicator", "graph_labels"])
def test_missing_file(raw: Path, kind: str) -> None:
    (raw / f"TINY_{kind}.txt").unlink()
    with pytest.raises(DataError, match=f"TINY_{kind}.txt is missing; fetch"):
        load(raw)


def append(path: Path, line: str) -> None:
    path.write_text(path.read_text() + line + "\n")


@pytest.mark.parametrize(
    ("kind", "line", "message"),
    [
        ("A", "1, 80", "line 119 of TINY_A.txt names a node outside 1 to 79"),
        ("A", "0, 1", "names a node outside"),
        ("A", "-3, 1", "names a node outside"),
        ("A", "1, 79", "joins two graphs"),
        ("A", "1, two", "not a table of whole numbers"),
        ("A", "1", "not a table of whole numbers"),
        ("node_labels", "1", "TINY_node_labels.txt has 80 lines for 79 nodes"),
        (
            "graph_indicator",
            "21",
            "line 80 of TINY_graph_indicator.txt names graph 21, and TINY_graph_labels.txt has 20 lines",
        ),
        ("graph_indicator", "3", "line 80 of TINY_graph_indicator.txt goes back to graph 3"),
        ("graph_indicator", "0", "goes back to graph 0"),
    ],
)
def test_damaged_file(raw: Path, kind: str, line: str, message: str) -> None:
    append(raw / f"TINY_{kind}.txt", line)
    with pytest.raises(DataError, match=message):
        load(raw)


def test_graph_number_below_one(raw: Path) -> None:
    indicator = raw / "TINY_graph_indicator.txt"
    indicator.write_text("0\n" + indicator.read_text().split("\n", 1)[1])
    with pytest.raises(DataError, match=r"line 1 of TINY_graph_indicator\.txt names graph 0"):
        load(raw)


@pytest.mark.parametrize("empty", [[0], [7], [8, 9], [19], [0, 3, 18, 19]])
def test_graphs_without_nodes_are_graphs(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, empty: list[int]
) -> None:
    """Those that the indicator file leaves out, as in the published set Fingerprint."""
    graphs = [nx.empty_graph(0) if number in empty else nx.path_graph(2 + number % 4) for number in range(20)]
    write_tu_mirror(tmp_path / "mirror", "HOLES", graphs, [number % 2 for number in range(20)])
    fetch(["TU:HOLES"], tmp_path / "root", tmp_path / "mirror")
    dataset = load_dataset("TU:HOLES", tmp_path / "root")
    assert dataset.store.num_nodes.tolist() == [len(graph) for graph in graphs]
    assert dataset.store.y.tolist() == [number % 2 for number in range(20)]
    for number, graph in enumerate(graphs):
        x, edge_index, _, _ = dataset.store.graph(number)
        assert x.flatten().tolist() == [(0, 1, 3)[node % 3] for node in range(len(graph))]
        assert list(zip(*edge_index.tolist(), strict=True)) == sorted(graph.to_directed().edges)
    first, count = empty[0] + 1, len(empty)
    assert caplog.messages == [f"TU:HOLES: {count} of 20 graphs have no nodes, the first is graph {first}"]
    assert load_dataset("TU:HOLES", tmp_path / "root").checksum == dataset.checksum


def test_last_graphs_without_edges(tmp_path: Path) -> None:
    """PyG's slices end with the last graph that has an edge."""
    graphs = [nx.path_graph(3)] * 4 + [nx.empty_graph(2)] * 2
    write_tu(tmp_path / "TUDataset" / "TINY" / "raw", "TINY", graphs, [0, 1] * 3)
    store = load_dataset("TU:TINY", tmp_path).store
    assert store.num_edges.tolist() == [4, 4, 4, 4, 0, 0]
    assert store.num_nodes.tolist() == [3, 3, 3, 3, 2, 2]


@pytest.mark.parametrize("kind", ["A", "graph_indicator", "graph_labels"])
def test_empty_file(raw: Path, kind: str) -> None:
    (raw / f"TINY_{kind}.txt").write_text("")
    with pytest.raises(DataError, match=f"TINY_{kind}.txt is not a table"):
        load(raw)


def test_node_attributes_that_are_not_finite(raw: Path) -> None:
    (raw / "TINY_node_labels.txt").unlink()
    (raw / "TINY_node_attributes.txt").write_text("nan\n" * 79)
    with pytest.raises(DataError, match="x holds a number that is not finite"):
        load(raw)


def test_what_only_pyg_notices_is_still_one_sentence(raw: Path) -> None:
    (raw / "TINY_edge_labels.txt").write_text("1\n" * 3)
    with pytest.raises(DataError, match=r"raw files of TU:TINY in .* cannot be read"):
        load(raw)

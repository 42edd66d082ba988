"""Grids that keep the weights of their runs, and what is computed from them: activations, smoothness."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch_geometric.data import Batch
from torch_geometric.nn import dense_mincut_pool

from rethinkpool_core import build_model, load_dataset
from rethinkpool_core.analysis import smoothest_direction
from rethinkpool_core.analysis.activations import (
    quartile_graphs,
    read_activations,
    trace_store,
    write_activations,
)
from rethinkpool_core.analysis.collapsed_assignments import largest_orthogonality_loss
from rethinkpool_core.analysis.smoothest_direction import measure_trained, smoothest_quotient
from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.errors import DataError, StorageError, UnknownNameError
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.grids import GRIDS, Grid, get_grid
from rethinkpool_core.experiments.plan import make_plan
from rethinkpool_core.experiments.run import run_grid


@pytest.fixture(scope="module")
def kept() -> Grid:
    models = ("GRACLUS", "GMN", "N-DIFFPOOL")
    cells = tuple(Cell(name, "DIGITS", {"batch_size": 256}, 1) for name in models)
    return Grid("kept", "a test", cells, seeds=(3,), keep_weights=True)


def test_grids_that_keep_weights():
    assert [name for name in GRIDS if get_grid(name).keep_weights] == ["embeddings", "smoothness"]
    assert get_grid("embeddings").seeds == (1,)


def test_a_run_without_its_weights_is_trained_again(kept, store, here):
    grid = replace(kept, cells=kept.cells[:1], keep_weights=False)
    run_grid(grid, store.folder, progress=False)
    assert not store.keys_with_weights()
    again = replace(grid, keep_weights=True)
    assert make_plan(again, store).todo == 1
    assert run_grid(again, store.folder, progress=False).trained == 1
    assert store.keys_with_weights() == {grid.cells[0].key(3)}
    assert make_plan(again, store).todo == 0 and make_plan(grid, store).todo == 0
    assert run_grid(again, store.folder, progress=False).found == 1


def test_activations_are_those_of_the_weights(kept, store, here, tmp_path):
    run_grid(kept, store.folder, progress=False)
    path = tmp_path / "activations.safetensors"
    write_activations(path, trace_store(store, kept))
    traced = read_activations(path)
    dataset = load_dataset("DIGITS", split_seed=3)
    assert [one.run["model"] for one in traced] == ["GRACLUS", "GMN", "N-DIFFPOOL"]
    for cell, one in zip(kept.cells, traced, strict=True):
        (record,) = store.records([cell.key(3)])
        assert one.run["test_score"] == record.test_score and one.run["seed"] == 3
        model = build_model(cell.model, dataset).eval()
        model.load_state_dict(load_file(store.weights_path(cell.key(3))))
        for graph in one.graphs:
            with torch.no_grad():
                layers = model(BatchBuilder(dataset)(torch.tensor([graph.number])), trace=True)[2]
            assert list(graph.layers) == [name for name in layers if "assignment" not in name]
            for name, values in graph.layers.items():
                # In a batch of three, sums round differently.
                assert np.allclose(values, layers[name].of_graph(0), atol=1e-5, rtol=1e-4)
        assert [spread.layer for spread in one.spreads] == list(one.graphs[0].layers)
        for spread in one.spreads:
            nodes = {len(graph.layers[spread.layer]) for graph in one.graphs}
            if nodes == {1}:  # the last memory layer
                assert (spread.mean, spread.graphs) == (None, 0)
            else:
                assert 0 <= spread.mean <= 1 and 0 < spread.graphs <= len(dataset.test)


def test_smoothness_is_that_of_the_trained_features(store, here, monkeypatch):
    monkeypatch.setattr(smoothest_direction, "NUM_GRAPHS", 30)
    cell = Cell("MINCUTPOOL", "DIGITS", {"batch_size": 256, "initial_convolutions": 2}, 2)
    grid = Grid("kept", "a test", (cell,), seeds=(3, 4), keep_weights=True)
    run_grid(grid, store.folder, progress=False)
    (found,) = measure_trained(store, grid)
    assert (found.dataset, found.convolutions, found.clusters) == ("DIGITS", 2, 21)
    assert found.seeds == grid.seeds
    by_seed = zip(grid.seeds, found.quotients, found.orthogonality, found.used_clusters, strict=True)
    for seed, quotient, loss, used in by_seed:
        dataset = load_dataset("DIGITS", split_seed=seed)
        model = build_model("MINCUTPOOL", dataset, initial_convolutions=2)
        model.load_state_dict(load_file(store.weights_path(cell.key(seed))))
        graphs = [dataset[int(number)] for number in dataset.train[:30]]
        with torch.no_grad():
            traces = [model.double()(Batch.from_data_list([graph]), trace=True)[2] for graph in graphs]
        features = [layers["initial conv 2"].of_graph(0).numpy() for layers in traces]
        assert quotient == pytest.approx(smoothest_quotient(features, [g.edge_index.numpy() for g in graphs]))
        for layer, K in enumerate((21, 11)):
            S = [layers[f"assignment {layer + 1}"].of_graph(0) for layers in traces]
            of_pyg = [float(orthogonality_of(one)) / largest_orthogonality_loss(K) for one in S]
            assert loss[layer] == pytest.approx(np.mean(of_pyg))
        rows = [layers["assignment 1"].of_graph(0).mean(0) for layers in traces]
        assert used == pytest.approx(np.mean([float(1 / (row**2).sum()) for row in rows]))
    assert found.ratios == tuple(quotient / found.threshold for quotient in found.quotients)


def orthogonality_of(S):
    """By PyG, which takes logits."""
    return dense_mincut_pool(
        torch.zeros(1, len(S), 1).double(), torch.ones(1, len(S), len(S)).double(), S.log()[None]
    )[3]


def test_smoothness_of_a_grid_without_mincutpool(kept, store):
    with pytest.raises(UnknownNameError, match=r"MINCUTPOOL.* in the grid kept"):
        measure_trained(store, kept)


def test_graphs_at_the_quartiles():
    dataset = load_dataset("DIGITS", split_seed=3)
    sizes = sorted(dataset.store.num_nodes[dataset.test].tolist())
    chosen = quartile_graphs(dataset)
    assert set(chosen.tolist()) <= set(dataset.test.tolist())
    found = dataset.store.num_nodes[chosen].tolist()
    assert found == [sizes[round(q * (len(sizes) - 1))] for q in (0.25, 0.5, 0.75)]


def test_no_weights(kept, store, record_of, tmp_path):
    with pytest.raises(DataError, match="rethinkpool grid kept"):
        trace_store(store, kept)
    path = store.weights_path(kept.cells[0].key(3))
    path.parent.mkdir()
    path.write_bytes(b"")
    with pytest.raises(DataError, match="but no record of it"):
        trace_store(store, kept)
    store.write(record_of(kept.cells[0], 3))
    with pytest.raises(DataError, match=r"weights of GRACLUS on DIGITS .* cannot be used"):
        trace_store(store, kept)
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(DataError, match=r"cannot be used .*Missing key.*delete .*safetensors and run"):
        trace_store(store, kept)
    with pytest.raises(StorageError, match="results activations"):
        read_activations(tmp_path / "nothing.safetensors")
    (tmp_path / "other.safetensors").write_bytes(b"no tensors")
    with pytest.raises(StorageError, match="results activations"):
        read_activations(tmp_path / "other.safetensors")

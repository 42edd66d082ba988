"""Equal rows, as the auxiliary losses show them; when they are a local minimum; and what the committed runs say."""

from __future__ import annotations

from math import sqrt
from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from rethinkpool_core import load_dataset
from rethinkpool_core.analysis.collapsed_assignments import (
    Collapse,
    collapse,
    largest_orthogonality_loss,
    method_cells,
    num_clusters,
    with_losses,
)
from rethinkpool_core.analysis.smoothest_direction import (
    Smoothness,
    measure,
    read_smoothness,
    smoothest_quotient,
    threshold,
    write_smoothness,
)
from rethinkpool_core.errors import StorageError

COMMITTED = Path(__file__).parents[2] / "results" / "smoothness.json"


def losses(S, A):
    """Both auxiliary losses of one graph, from their equations."""
    gram, K = S.T @ S, S.shape[1]
    cut = -np.trace(S.T @ A @ S) / np.trace(S.T @ np.diag(A.sum(1)) @ S)
    return cut, np.linalg.norm(gram / np.linalg.norm(gram) - np.eye(K) / sqrt(K))


def softmax(logits):
    shares = np.exp(logits - logits.max(1, keepdims=True))
    return shares / shares.sum(1, keepdims=True)


def connected_graph(n, seed):
    return nx.to_numpy_array(nx.connected_watts_strogatz_graph(n, 4, 0.3, seed=seed))


@settings(max_examples=60, deadline=None)
@given(st.integers(5, 12), st.integers(2, 9), st.floats(0, 20), st.integers(0, 1000))
def test_bounds_of_both_losses(n, K, scale, seed):
    generator, A = np.random.default_rng(seed), connected_graph(n, seed)
    cut, orthogonality = losses(softmax(scale * generator.normal(size=(n, K))), A)
    assert cut >= -1 - 1e-12
    assert orthogonality <= largest_orthogonality_loss(K) + 1e-7
    if scale > 0.1:
        assert cut > -1 and orthogonality < largest_orthogonality_loss(K)


@pytest.mark.parametrize("K", [1, 2, 7])
def test_equal_rows_reach_both_bounds(K):
    S = np.tile(softmax(np.random.default_rng(1).normal(size=(1, K))), (8, 1))
    cut, orthogonality = losses(S, connected_graph(8, 1))
    assert cut == pytest.approx(-1)
    assert orthogonality == pytest.approx(largest_orthogonality_loss(K), abs=1e-7)


def test_effective_clusters_of_equal_rows_and_of_separate_clusters():
    rows = Collapse("NCI1", 1, (16, 8), -2.0, (1.0, 1.0))
    assert rows.effective_clusters == pytest.approx(1)
    separate = Collapse("NCI1", 1, (16, 8), -1.0, (0.0,))
    assert separate.effective_clusters == pytest.approx(16)


def graphs(seed, smooth):
    """Three cycles with features that turn slowly or fast around them."""
    generator, found = np.random.default_rng(seed), []
    for n in (24, 30, 36):
        angle = 2 * np.pi * np.arange(n) / n * (1 if smooth else n // 3)
        X = np.stack([np.cos(angle), np.sin(angle)], 1) + 0.02 * generator.normal(size=(n, 2))
        found.append((X, nx.to_numpy_array(nx.cycle_graph(n))))
    return found


def edges_of(A):
    return np.stack(np.nonzero(A))


def mean_loss(W, b, data):
    return np.mean([sum(losses(softmax(X @ W + b), A)) for X, A in data])


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("smooth", [True, False])
def test_equal_rows_are_a_minimum_where_the_smoothest_direction_is_above_the_threshold(smooth, seed):
    """Against the losses themselves, a small step away from W = 0 in many directions and in the best one that is found."""
    K, data, generator = 5, graphs(seed, smooth), np.random.default_rng(seed)
    quotient = smoothest_quotient([X for X, _ in data], [edges_of(A) for _, A in data])
    assert (quotient > threshold(K)) is not smooth
    step, b = 1e-3, generator.normal(size=K)
    at_equal_rows = mean_loss(np.zeros((2, K)), b, data)

    def change(w):
        W = w.reshape(2, K) - w.reshape(2, K).mean(1, keepdims=True)
        return (mean_loss(step * W / np.linalg.norm(W), b, data) - at_equal_rows) / step**2

    starts = generator.normal(size=(20, 2 * K))
    least = min(minimize(change, start, method="Powell", options={"maxiter": 2}).fun for start in starts[:1])
    if smooth:
        assert least < 0
    else:
        assert min(least, *map(change, starts)) > 0


def test_smoothest_quotient_is_the_least_rayleigh_quotient_of_one_graph():
    """With the n - 1 coordinates of all centred features it is n / (2 E) times an eigenvalue of the Laplacian."""
    graph = nx.connected_watts_strogatz_graph(9, 4, 0.3, seed=3)
    A = nx.to_numpy_array(graph)
    features = np.random.default_rng(0).permutation(np.eye(9))
    expected = nx.laplacian_spectrum(graph)[1] * 9 / A.sum()
    assert smoothest_quotient([features], [edges_of(A)]) == pytest.approx(expected)


def test_graphs_without_edges_and_features_that_do_not_vary():
    X, none = np.eye(3), np.zeros((2, 0), int)
    A = nx.to_numpy_array(nx.path_graph(3))
    both = smoothest_quotient([X, X], [edges_of(A), none])
    assert both == pytest.approx(smoothest_quotient([X], [edges_of(A)]))
    assert np.isnan(smoothest_quotient([np.ones((3, 2))], [edges_of(A)]))


def test_committed_smoothness_is_measured_again():
    committed = read_smoothness(COMMITTED)
    (there,) = [one for one in committed if (one.dataset, one.convolutions) == ("DIGITS", 2)]
    again = measure(load_dataset("DIGITS"), 2, seeds=[1])
    assert again.quotients == pytest.approx(there.quotients[:1], rel=1e-6)
    assert again.clusters == there.clusters == 21


def test_the_command_writes_what_is_measured(tmp_path, monkeypatch, capsys):
    from rethinkpool_core.analysis import smoothest_direction
    from rethinkpool_core.cli import main
    from rethinkpool_core.datasets import spec

    measured = [Smoothness("DIGITS", 2, 21, (0.1, 0.2))]
    monkeypatch.setattr(spec, "DATASETS", {"DIGITS": spec.DATASETS["DIGITS"]})
    monkeypatch.setattr(smoothest_direction, "CONVOLUTIONS", {"DIGITS": (2,)})
    monkeypatch.setattr(smoothest_direction, "measure", lambda dataset, convolutions: measured[0])
    assert main(["results", "smoothness", str(tmp_path / "new.json")]) == 0
    assert read_smoothness(tmp_path / "new.json") == measured
    assert "1 rows in" in capsys.readouterr().out
    assert main(["results", "smoothness", str(tmp_path)]) == 1
    assert "cannot write" in capsys.readouterr().err


def test_smoothness_file(tmp_path):
    committed = read_smoothness(COMMITTED)
    write_smoothness(tmp_path / "new.json", committed)
    assert read_smoothness(tmp_path / "new.json") == committed
    (tmp_path / "new.json").write_text("[{}]")
    with pytest.raises(StorageError, match=r"new\.json is no file of"):
        read_smoothness(tmp_path / "new.json")


def test_clusters_and_losses_of_a_run():
    (cell,) = [cell for cell in method_cells("table-s5") if cell.dataset == "NCI1"]
    assert num_clusters({"max_nodes": 111, "model": cell.config["model"]}) == (56, 28)
    (alone,) = [one for one in method_cells("auxiliary-losses") if one.dataset == "NCI1"]
    assert with_losses(alone).digest == cell.digest != alone.digest


def test_losses_of_the_epoch_that_is_scored():
    from analysis.samples import runs_of

    (cell,) = [cell for cell in method_cells("table-s5") if cell.dataset == "NCI1"]
    runs = runs_of((cell, 0.7), seeds=[1, 2])
    runs["config"] = [cell.config | {"max_nodes": 111}] * 2
    runs["best_epoch"] = [2, 1]
    largest = largest_orthogonality_loss(56) + largest_orthogonality_loss(28)
    runs["curves"] = [{"cut": [-1.5, -1.9], "orthogonality": [0.4 * largest, 0.6 * largest]}] * 2
    (found,) = collapse(runs, [cell])
    assert found.cut == pytest.approx(-1.7) and found.orthogonality == pytest.approx((0.6, 0.4))

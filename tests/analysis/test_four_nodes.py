"""The four-node graph pooled in plain loops over Python floats, beside the operators' results."""

from __future__ import annotations

from math import exp, log, sqrt

import numpy as np
import pytest

from rethinkpool_core.analysis.four_nodes import EDGES, FEATURES, KEYS, WEIGHTS, worked_examples

NODES = range(4)
A = [[float((i, j) in EDGES or (j, i) in EDGES) for j in NODES] for i in NODES]
SEEDS = (0, 1, 5)


@pytest.fixture(params=SEEDS)
def examples(request):
    return worked_examples(request.param)


def times(P, Q):
    return [
        [sum(p * q for p, q in zip(row, column, strict=True)) for column in zip(*Q, strict=True)] for row in P
    ]


def transpose(P):
    return [list(row) for row in zip(*P, strict=True)]


def softmax(P):
    rows = [[exp(x) for x in row] for row in P]
    return [[x / sum(row) for x in row] for row in rows]


def sage(X, W):
    """Mean over a node and its neighbours, times W, rows of length 1."""
    out = []
    for i in NODES:
        seen = [j for j in NODES if j == i or A[i][j]]
        mean = [sum(X[j][d] for j in seen) / len(seen) for d in range(2)]
        (row,) = times([mean], W)
        out.append([x / sqrt(sum(y * y for y in row)) for x in row])
    return out


def check(example, S, X, A_pooled):
    np.testing.assert_allclose(example.S, S, atol=1e-12)
    np.testing.assert_allclose(example.X, X, atol=1e-12)
    np.testing.assert_allclose(example.A, A_pooled, atol=1e-12)


def pooled_adjacency(S):
    return times(times(transpose(S), A), S)


@pytest.mark.parametrize(("model", "joined"), [("GRACLUS", 1.0), ("COMPLEMENT", 0.0)])
def test_matchings(examples, model, joined):
    example = examples[model]
    pairs = [[i for i in NODES if example.S[i, k] == 1] for k in range(example.S.shape[1])]
    assert sorted(i for pair in pairs for i in pair) == list(NODES)
    assert all(len(pair) == 1 or A[pair[0]][pair[1]] == joined for pair in pairs)
    singles = [pair[0] for pair in pairs if len(pair) == 1]
    assert all(A[i][j] != joined for i in singles for j in singles if i != j), "the matching is not maximal"
    X = [[max(FEATURES[i][d] for i in pair) for d in range(2)] for pair in pairs]
    A_pooled = [
        [float(one is not other and any(A[i][j] for i in one for j in other)) for other in pairs]
        for one in pairs
    ]
    check(example, example.S, X, A_pooled)


def test_mincutpool(examples):
    example = examples["MINCUTPOOL"]
    S = softmax(times(FEATURES, WEIGHTS))
    check(example, S, times(transpose(S), FEATURES), pooled_adjacency(S))
    kept = sum(pooled_adjacency(S)[k][k] for k in range(2))
    volume = sum(sum(A[i]) * S[i][k] ** 2 for i in NODES for k in range(2))
    G = times(transpose(S), S)
    norm = sqrt(sum(x * x for row in G for x in row))
    away = [(G[j][k] / norm - (j == k) / sqrt(2)) ** 2 for j in range(2) for k in range(2)]
    assert example.losses["cut"] == pytest.approx(-kept / volume, abs=1e-12)
    assert example.losses["orthogonality"] == pytest.approx(sqrt(sum(away)), abs=1e-12)


def test_random_mincutpool_and_its_normalised_matrix(examples):
    example = examples["N-MINCUTPOOL"]
    S = softmax(example.given[r"\tilde S"].tolist())
    A_pooled = pooled_adjacency(S)
    check(example, S, times(transpose(S), FEATURES), A_pooled)
    degree = [A_pooled[0][1], A_pooled[1][0]]
    wanted = A_pooled[0][1] / sqrt(degree[0] * degree[1])
    np.testing.assert_allclose(example.after[r"\hat A'"], [[0, wanted], [wanted, 0]], atol=1e-12)


def test_diffpool(examples):
    example = examples["DIFFPOOL"]
    S, Z = softmax(sage(FEATURES, WEIGHTS)), sage(FEATURES, [[1.0, 0.0], [0.0, 1.0]])
    check(example, S, times(transpose(S), Z), pooled_adjacency(S))
    SSt = times(S, transpose(S))
    link = sqrt(sum((A[i][j] - SSt[i][j]) ** 2 for i in NODES for j in NODES)) / 16
    entropy = -sum(s * log(s) for row in S for s in row) / 4
    assert example.losses["link"] == pytest.approx(link, abs=1e-9)
    assert example.losses["entropy"] == pytest.approx(entropy, abs=1e-9)


@pytest.mark.parametrize("model", ["U-DIFFPOOL", "N-DIFFPOOL", "B-DIFFPOOL", "N-DIFFPOOL-INV"])
def test_random_diffpool(examples, model):
    example = examples[model]
    random = example.given[r"\tilde S"].tolist()
    S = softmax(times(FEATURES, random) if model.endswith("INV") else random)
    Z = sage(FEATURES, [[1.0, 0.0], [0.0, 1.0]])
    check(example, S, times(transpose(S), Z), pooled_adjacency(S))
    assert not example.losses


def distances(keys):
    return [
        [sqrt(sum((q - k) ** 2 for q, k in zip(row, key, strict=True))) for key in keys] for row in FEATURES
    ]


def test_gmn(examples):
    example = examples["GMN"]
    C = [[1 / (1 + d * d) for d in row] for row in distances(KEYS)]
    C = [[c / sum(row) for c in row] for row in C]
    S = softmax(C)
    np.testing.assert_allclose(example.between["C"], C, atol=1e-12)
    np.testing.assert_allclose(example.S, S, atol=1e-12)
    np.testing.assert_allclose(example.X, times(transpose(S), FEATURES), atol=1e-12)
    column = [sum(S[i][j] for i in NODES) for j in range(2)]
    P = [[S[i][j] ** 2 / column[j] for j in range(2)] for i in NODES]
    P = [[p / sum(row) for p in row] for row in P]
    loss = sum(P[i][j] * log(P[i][j] / S[i][j]) for i in NODES for j in range(2))
    assert example.losses["purity"] == pytest.approx(loss, abs=1e-12)


def test_twins_of_gmn(examples):
    distance, random = examples["DISTANCE-GMN"], examples["RANDOM-GMN"]
    for example, logits in (
        (distance, distances(distance.given["k"].tolist())),
        (random, random.given[r"\tilde S"].tolist()),
    ):
        S = softmax(logits)
        np.testing.assert_allclose(example.S, S, atol=1e-7)
        np.testing.assert_allclose(example.X, times(transpose(S), FEATURES), atol=1e-6)
        assert example.A is None and not example.losses


def test_random_matrices_have_the_two_decimals_that_are_shown(examples):
    for example in examples.values():
        for values in example.given.values():
            np.testing.assert_allclose(values, values.round(2), atol=1e-12)

"""The worked example of four nodes as Markdown: which equation gives S, and every matrix with its numbers."""

from __future__ import annotations

import numpy as np

from rethinkpool_core.analysis.four_nodes import EDGES, FEATURES, WorkedExample

_S = {
    "GRACLUS": "S",
    "COMPLEMENT": "S",
    "MINCUTPOOL": r"S = \mathrm{softmax}(X W)",
    "DIFFPOOL": r"S = \mathrm{softmax}(L)",
    "N-DIFFPOOL-INV": r"S = \mathrm{softmax}(X \tilde S)",
    "GMN": r"S = \mathrm{softmax}(C)",
    "DISTANCE-GMN": r"S = \mathrm{softmax}(C)",
}
_RANDOM = r"S = \mathrm{softmax}(\tilde S)"
_LOSSES = {
    "cut": r"\mathcal{L}_{\text{cut}}",
    "orthogonality": r"\mathcal{L}_{\text{orth}}",
    "link": r"\mathcal{L}_{\text{link}}",
    "entropy": r"\mathcal{L}_{\text{entropy}}",
    "purity": r"\mathcal{L}_{\text{keys}}",
}


def four_nodes_text() -> str:
    """Return the matrices A and X of the graph as Markdown."""
    A = np.zeros((4, 4))
    for u, v in EDGES:
        A[u, v] = A[v, u] = 1
    return _line(f"A = {matrix(A)}", f"X = {matrix(np.array(FEATURES))}")


def example_text(example: WorkedExample) -> str:
    """Return the matrices of a worked example as Markdown: what is given, S, X' and A', and the auxiliary losses."""
    model = example.model
    given = [f"{symbol} = {matrix(values)}" for symbol, values in (example.given | example.between).items()]
    S = f"{_S.get(model, _RANDOM)} = {matrix(example.S)}"
    pooled = [f"{_pooled_features(model)} = {matrix(example.X)}"]
    if example.A is not None:
        pooled.append(f"{_pooled_adjacency(model)} = {matrix(example.A)}")
    pooled += [f"{symbol} = {matrix(values)}" for symbol, values in example.after.items()]
    losses = [f"{_LOSSES[name]} = {number(value)}" for name, value in example.losses.items()]
    return "\n\n".join(_line(*parts) for parts in ([*given, S], pooled, losses) if parts)


def _pooled_features(model: str) -> str:
    if model in ("GRACLUS", "COMPLEMENT"):
        return r"X'"
    if model.endswith("GMN"):
        return r"Q' = \mathrm{LeakyReLU}(S^\top X)"
    return r"X' = S^\top Z" if "DIFFPOOL" in model else r"X' = S^\top X"


def _pooled_adjacency(model: str) -> str:
    return "A'" if model in ("GRACLUS", "COMPLEMENT") else r"A' = S^\top A S"


def matrix(values: np.ndarray) -> str:
    """Return a matrix in LaTeX, entries with two decimals, or none if all are whole numbers."""
    whole = np.array_equal(values, values.round())
    rows = [" & ".join(f"{x:.0f}" if whole else number(x) for x in row) for row in values]
    # An invisible line a little higher than the matrix, so that matrices on lines one below the other do not touch.
    height = 1.2 * len(rows) + 1.0
    strut = rf"\rule[{0.25 - height / 2:.2f}em]{{0em}}{{{height:.1f}em}}"
    return r"\begin{pmatrix}" + r" \\ ".join(rows) + r"\end{pmatrix}" + strut


def number(value: float) -> str:
    """Return a number with two decimals, a negative zero without its sign."""
    text = f"{value:.2f}"
    return text.removeprefix("-") if float(text) == 0 else text


def _line(*equations: str) -> str:
    """Return equations that stand side by side where there is room."""
    return " &emsp; ".join(f"${equation}$" for equation in equations)

"""The diagrams of the models' architectures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from rethinkpool_core.errors import UnknownNameError
from rethinkpool_core.figures.diagram import Fork, Repeat, Step, draw_diagram
from rethinkpool_core.figures.svg import SvgFigure


def _step(kind: str, *lines: str) -> Step:
    return Step(kind, lines)


_INPUT = _step("data", "A, X", "n nodes")
_CONV = _step("conv", "conv, ReLU", "n × D")
_MEAN = _step("readout", "mean over nodes, MLP")
_MEAN_OF_CLUSTERS = _step("readout", "mean over clusters, MLP")

_DIAGRAMS: Mapping[str, tuple[Sequence[Step | Fork | Repeat], str]] = MappingProxyType(
    {
        "GRACLUS": (
            [
                _INPUT,
                _CONV,
                Repeat(
                    "L − 1 times",
                    (
                        _step("conv", "conv, ReLU"),
                        _step(
                            "pool",
                            "match nodes in pairs",
                            "GRACLUS: along edges",
                            "COMPLEMENT: along non-edges",
                            "maximum of each pair",
                        ),
                    ),
                ),
                _MEAN,
            ],
            "GRACLUS and COMPLEMENT: a convolution, then L − 1 times a convolution and a matching that makes one node of each "
            "pair, then the mean over nodes and an MLP",
        ),
        "NO-POOL": (
            [_INPUT, _CONV, Repeat("L − 1 times", (_step("conv", "conv, ReLU", "n × D"),)), _MEAN],
            "NO-POOL: L convolutions, each followed by ReLU, then the mean over nodes and an MLP",
        ),
        "DIFFPOOL": (
            [
                _INPUT,
                _step("conv", "SAGE", "IMDB-B: conv"),
                Repeat(
                    "1 or 2 times, Table S3",
                    (
                        Fork(_step("pool", "SAGE, softmax", "S: n × K"), _step("conv", "SAGE", "Z: n × D")),
                        _step("pool", "X′ = SᵀZ, A′ = SᵀA S", "losses: link, entropy"),
                        _step("conv", "3 × SAGE", "ReLU, batch norm, residual sums"),
                    ),
                ),
                _step("readout", "maximum over clusters, MLP"),
            ],
            "DIFFPOOL: a GraphSAGE convolution, then once or twice a pooling layer, whose assignment S and features Z come from "
            "a GraphSAGE convolution each, and three convolutions; then the maximum over clusters and an MLP",
        ),
        "DIFFPOOL-V2": (
            [
                _INPUT,
                Repeat(
                    "once; twice on ZINC",
                    (
                        Fork(
                            _step("pool", "3 × SAGE, linear,", "softmax", "S: n × K"),
                            _step("conv", "3 × SAGE,", "concatenated", "Z: n × 3D"),
                        ),
                        _step("pool", "X′ = SᵀZ, A′ = SᵀA S", "losses: link, entropy"),
                    ),
                ),
                _step("conv", "3 × SAGE, concatenated", "K × 3D"),
                _step(
                    "readout",
                    "maximum over clusters",
                    "after each pooling layer and here,",
                    "concatenated; MLP",
                ),
            ],
            "DIFFPOOL-V2: a pooling layer, or two on ZINC, whose assignment S and features Z come from three GraphSAGE "
            "convolutions each; then three convolutions, the maximum over clusters after every stage, and an MLP",
        ),
        "MINCUTPOOL": (
            [
                _INPUT,
                _CONV,
                Repeat(
                    "twice",
                    (
                        _step("pool", "S = softmax(X W + b)", "n × K"),
                        _step(
                            "pool",
                            "X′ = SᵀX, A′ = SᵀA S",
                            "A′ without diagonal, normalised",
                            "losses: cut, orthogonality",
                        ),
                        _step("conv", "conv, ReLU", "no ReLU the second time"),
                    ),
                ),
                _MEAN_OF_CLUSTERS,
            ],
            "MINCUTPOOL: a convolution, then twice an assignment S by a linear map, the pooled graph and a convolution; then "
            "the mean over clusters and an MLP",
        ),
        "GMN": (
            [
                _INPUT,
                _step("conv", "conv, ReLU, conv, ReLU", "n × 64"),
                _step("conv", "batch norm", "queries Q: n × 64"),
                Repeat(
                    "2 or 3 times, Table S4",
                    (
                        _step("pool", "Cₕ: similarity to K keys", "h = 1 … H heads"),
                        _step("pool", "S = softmax(Σ wₕ Cₕ)", "loss of the keys: purity"),
                        _step("pool", "Q′ = LeakyReLU(SᵀQ W + b)", "K queries; the last layer has K = 1"),
                    ),
                ),
                _step("readout", "MLP"),
            ],
            "GMN: two convolutions and batch norm give the queries; two or three memory layers compare them with keys and make "
            "fewer queries of them, the last one a single one; then an MLP",
        ),
    }
)


def architectures() -> tuple[str, ...]:
    """Return the names of the models that have a diagram."""
    return tuple(_DIAGRAMS)


def draw_architecture(model: str) -> SvgFigure:
    """Draw the architecture of a model: GRACLUS (and COMPLEMENT), NO-POOL, DIFFPOOL, DIFFPOOL-V2, MINCUTPOOL or GMN.

    Raises UnknownNameError for any other.
    """
    try:
        parts, caption = _DIAGRAMS[model]
    except KeyError:
        raise UnknownNameError("diagram", model, _DIAGRAMS) from None
    return draw_diagram(parts, caption)

"""Losses and scores of the three kinds of task."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F

HIGHER_IS_BETTER = {"accuracy": True, "rocauc": True, "mae": False}


def supervised_loss(kind: str, logits: Tensor, y: Tensor) -> Tensor:
    """Mean over B graphs of the cross-entropy of logits (..., B, C) with classes (..., B), or of the absolute error."""
    if kind == "cross_entropy":
        losses = F.cross_entropy(logits.flatten(0, -2), y.flatten(), reduction="none")
    else:
        losses = F.l1_loss(logits.squeeze(-1), y, reduction="none")
    return losses.view(y.shape).mean(-1)


def score(metric: str, logits: Tensor, y: Tensor) -> float:
    """Accuracy or ROC-AUC in [0, 1], or the mean absolute error, over (n, C) logits.

    ROC-AUC is OGB's for ogbg-molhiv, of the logit of class 1 as in the release; NaN where logits are.
    """
    logits, y = logits.detach().cpu(), y.cpu()  # float64 below, which MPS lacks
    if metric == "accuracy":
        return float((logits.argmax(-1) == y).double().mean())
    if metric == "mae":
        return float((logits.squeeze(-1) - y).abs().double().mean())
    if not bool(torch.isfinite(logits).all()):
        return float("nan")
    return float(
        _ogb_evaluator().eval({"y_true": y.numpy()[:, None], "y_pred": logits[:, 1:2].numpy()})["rocauc"]
    )


@cache
def _ogb_evaluator():
    from rethinkpool_core.datasets.sources.ogb import import_ogb_quietly

    import_ogb_quietly()
    from ogb.graphproppred import Evaluator

    return Evaluator("ogbg-molhiv")

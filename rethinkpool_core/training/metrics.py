"""Supervised losses and scores: classification, ROC-AUC and regression."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional as F


def supervised_loss(kind: str, logits: Tensor, y: Tensor) -> Tensor:
    """Return the mean loss (...) over B graphs.

    kind    "cross_entropy" of logits (..., B, C) and classes (..., B), or "l1", the absolute error of (..., B, 1) and (..., B)
    """
    if kind == "cross_entropy":
        losses = F.cross_entropy(logits.flatten(0, -2), y.flatten(), reduction="none")
    else:
        losses = F.l1_loss(logits.squeeze(-1), y, reduction="none")
    return losses.view(y.shape).mean(-1)


def score(metric: str, logits: Tensor, y: Tensor) -> float:
    """Return the score ``metric``, a name in `paper.METRICS`, of logits (n, C) and targets (n,).

    Accuracy and ROC-AUC are in [0, 1], the mean absolute error is in the unit of the target.
    """
    return _SCORES[metric](logits.detach().cpu(), y.cpu())  # float64 below, which MPS lacks


def _accuracy(logits: Tensor, y: Tensor) -> float:
    return float((logits.argmax(-1) == y).double().mean())


def _mean_absolute_error(logits: Tensor, y: Tensor) -> float:
    return float((logits.squeeze(-1) - y).abs().double().mean())


def _roc_auc(logits: Tensor, y: Tensor) -> float:
    """ROC-AUC of OGB's evaluator for ogbg-molhiv, with the logit of class 1 as in the release; NaN if a logit is not finite."""
    if not bool(torch.isfinite(logits).all()):
        return float("nan")
    return float(
        _ogb_evaluator().eval({"y_true": y.numpy()[:, None], "y_pred": logits[:, 1:2].numpy()})["rocauc"]
    )


_SCORES = {"accuracy": _accuracy, "rocauc": _roc_auc, "mae": _mean_absolute_error}


@cache
def _ogb_evaluator():
    from rethinkpool_core.datasets.sources.ogb import import_ogb_quietly

    import_ogb_quietly()
    from ogb.graphproppred import Evaluator

    return Evaluator("ogbg-molhiv")

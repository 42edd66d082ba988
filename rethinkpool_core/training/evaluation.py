"""Losses and scores on validation and test graphs, and what follows from them for the training of each seed."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from rethinkpool_core.models.trace import MeasuringTrace
from rethinkpool_core.paper import get_metric
from rethinkpool_core.training.metrics import score, supervised_loss
from rethinkpool_core.training.replicas import Replicas
from rethinkpool_core.training.setup import TrainingSetup
from rethinkpool_core.training.state import TrainState


@torch.no_grad()
def evaluate(setup: TrainingSetup, replicas: Replicas, states: dict[int, TrainState]) -> None:
    """Score an epoch on the validation graphs, and on the test graphs for replicas whose validation score is the best so far.

    Updates ``states``, learning rates and early stopping included.
    """
    sign = 1 if get_metric(setup.dataset.spec.metric).higher_is_better else -1
    validation = scores(setup, replicas, [setup.split(seed).val for seed in replicas.seeds])
    improved = []
    for row, (seed, (loss, value, measures)) in enumerate(zip(replicas.seeds, validation, strict=True)):
        state, values = states[seed], {"val_loss": loss, "val_score": value}
        state.append(values | measures)
        state.fill_gaps()
        state.check_finite(values)
        if state.error is None and state.schedule.update(state.epoch, sign * value, setup.config):
            state.val_score = value
            state.best_weights = replicas.weights(row)
            improved.append(row)
    if improved:
        test = scores(setup, replicas, [setup.split(seed).test for seed in replicas.seeds])
        for row in improved:
            states[replicas.seeds[row]].test_score = test[row].score


class Scores(NamedTuple):
    """The supervised loss and the score of one replica, and the means over graphs of what its model measures, by name."""

    loss: float
    score: float
    measures: dict[str, float]


def scores(setup: TrainingSetup, replicas: Replicas, parts: list[Tensor]) -> list[Scores]:
    """Return the scores of each replica on its own graphs.

    parts    indices of the graphs of each replica, equally many
    """
    # Graphs of like size share a batch: less padding, same result.
    sizes = setup.dataset.store.num_nodes
    order = torch.stack([part[sizes[part].argsort(stable=True)] for part in parts])
    coarsening = setup.coarsening(replicas, evaluation=True)
    logits, targets, measures = [], [], []
    for batch in setup.builder.batches(order, setup.eval_batch_size(len(replicas)), coarsening=coarsening):
        trace = MeasuringTrace(setup.model.measure)
        logits.append(replicas.call(batch, training=False, auxiliary=False, trace=trace)[0])
        targets.append(batch.y.view(len(replicas), -1))
        measures.append({name: values.view(len(replicas), -1) for name, values in trace.values.items()})
    logits, targets = torch.cat(logits, 1).cpu(), torch.cat(targets, 1).cpu()  # one transfer for all replicas
    losses = supervised_loss(setup.dataset.spec.loss, logits, targets).tolist()
    by_seed = [score(setup.dataset.spec.metric, a, b) for a, b in zip(logits, targets, strict=True)]
    means = {name: torch.cat([of[name] for of in measures], 1).mean(1).tolist() for name in measures[0]}
    by_name = [dict(zip(means, values, strict=True)) for values in zip(*means.values(), strict=True)]
    return list(map(Scores, losses, by_seed, by_name or [{}] * len(replicas)))

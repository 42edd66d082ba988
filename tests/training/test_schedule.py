"""The schedule of a replica against torch's plateau scheduler and a plain early stop."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from rethinkpool_core.training.config import training_config
from rethinkpool_core.training.schedule import Schedule

# Few values, so that ties and plateaus are common; negative ones stand for errors, where less is better.
scores = st.lists(st.sampled_from([-2.5, -1.0, -0.1, 0.0, 0.1, 0.5, 0.75, 1.0]), min_size=1, max_size=60)


@given(scores, st.integers(1, 6), st.sampled_from([0.1, 0.5, 0.9]), st.sampled_from([0.0, 1e-5, 2e-3, 0.01]))
def test_rate_is_that_of_torchs_plateau_scheduler(values, patience, factor, least):
    config = training_config(
        "GMN",
        "DIGITS",
        learning_rate=0.01,
        learning_rate_patience=patience,
        learning_rate_factor=factor,
        least_learning_rate=least,
    )
    adam = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=0.01)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
        adam, mode="max", factor=factor, patience=patience - 1, threshold=0.0, min_lr=least, eps=0.0
    )
    ours = Schedule(0.01)
    for epoch, value in enumerate(values, start=1):
        ours.update(epoch, value, config)
        plateau.step(value)
        assert ours.learning_rate == adam.param_groups[0]["lr"]


@given(scores, st.integers(1, 8))
def test_stop_and_best_epoch(values, patience):
    config = training_config("GMN", "DIGITS", stop_patience=patience)
    ours = Schedule(1e-3)
    for epoch, value in enumerate(values, start=1):
        better = ours.update(epoch, value, config)
        seen = values[:epoch]
        first_best = seen.index(max(seen)) + 1
        assert better == (first_best == epoch)
        assert (ours.best_epoch, ours.best) == (first_best, max(seen))
        assert ours.finished(config) == (epoch - first_best >= patience)


def test_papers_patience():
    """Appendix A.2: halved after 10 epochs without improvement, stopped after 50, never below 1e-5."""
    config, ours = training_config("GRACLUS", "NCI1"), Schedule(1e-3)
    rates, epoch = [], 0
    while not ours.finished(config):
        epoch += 1
        rates.append(ours.learning_rate)
        ours.update(epoch, 0.5, config)
    assert epoch == 51
    assert rates == [1e-3] * 11 + [5e-4] * 10 + [2.5e-4] * 10 + [1.25e-4] * 10 + [6.25e-5] * 10
    long = training_config("GRACLUS", "NCI1", stop_patience=1000)
    for _ in range(200):
        epoch += 1
        ours.update(epoch, 0.5, long)
    assert ours.learning_rate == 1e-5

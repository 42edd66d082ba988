"""The declaration by which a model tells the trainer what an epoch minimises and which parameters it moves."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Update:
    """The training steps of one epoch, as a model declares them (`PoolingModel.update`).

    group       the parameter group that moves (`PoolingModel.parameter_group`)
    loss        the auxiliary loss that is minimised alone, by name; None for the sum of the supervised loss and all
                auxiliary losses that are computed
    auxiliary   whether the auxiliary losses are computed; where they are not, their curves are NaN for this epoch
    full_batch  whether the epoch is one step along the gradient of the whole training set, instead of a step per batch
    """

    group: str = "all"
    loss: str | None = None
    auxiliary: bool = True
    full_batch: bool = False

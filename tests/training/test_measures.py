"""What training records of GMN's assignments, against loops over the nodes."""

from __future__ import annotations

import math

import pytest
import torch

from rethinkpool_core import build_model
from rethinkpool_core.batching.batch import BatchBuilder


def by_hand(S: torch.Tensor) -> tuple[float, float]:
    """KL(P | S) summed over the nodes of a graph, and the mean over nodes of the total variation distance from 1/K."""
    S = S.double().tolist()
    sizes = [sum(row[k] for row in S) for k in range(len(S[0]))]
    purity, distance = 0.0, 0.0
    for row in S:
        squared = [s * s / size for s, size in zip(row, sizes, strict=True)]
        purity += sum(
            q / sum(squared) * math.log(q / sum(squared) / s) for q, s in zip(squared, row, strict=True)
        )
        distance += sum(abs(s - 1 / len(row)) for s in row) / 2
    return purity, distance / len(S)


@pytest.mark.parametrize("period", [0, 2])
def test_curves_are_those_of_the_validation_graphs(period, digits, run):
    dataset, model = digits(100), {"num_keys": [4, 3, 1], "num_heads": 2, "key_scale": 3.0}
    model["purity_period"] = period
    for record in run("GMN", dataset, [1, 2], model=model, max_epochs=4, batch_size=16):
        module = build_model("GMN", dataset, **model).double().eval()
        module.load_state_dict(record.weights)
        validation = dataset.with_split(record.seed).val
        with torch.no_grad():
            layers = module(BatchBuilder(dataset, dtype=torch.float64)(validation), trace=True)[2]
        for layer in ("1", "2"):
            S = [layers[f"assignment {layer}"].of_graph(number) for number in range(len(validation))]
            by_graph = [by_hand(one) for one in S]
            purity, distance = (sum(column) / len(S) for column in zip(*by_graph, strict=True))
            assert purity > 1e-12 and distance > 1e-5
            for name, value in (("purity", purity), ("distance from uniform", distance)):
                curve = record.curves[f"memory {layer} {name}"]
                assert len(curve) == 4
                assert curve[record.best_epoch - 1] == pytest.approx(value, rel=1e-4)
        assert not any(name.startswith("memory 3") for name in record.curves)  # one key: nothing to measure


@pytest.mark.parametrize("model", ["DISTANCE-GMN", "RANDOM-GMN", "DIFFPOOL-V2"])
def test_other_models_record_none(model, digits, run):
    (record,) = run(model, digits(60), [1], max_epochs=1, batch_size=16)
    assert not any("purity" in name or "uniform" in name for name in record.curves)

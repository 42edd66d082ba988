"""Provenance of runs that are resumed elsewhere."""

from __future__ import annotations

from rethinkpool_core import train
from rethinkpool_core.training import provenance


def test_a_resumed_run_names_every_device(digits, tmp_path, monkeypatch):
    def resume(device: str, epochs: int) -> str:
        monkeypatch.setattr(provenance, "device_name", lambda _: device)
        (record,) = train(
            "N-MINCUTPOOL",
            digits(60),
            [3],
            max_epochs=5,
            device="cpu",
            checkpoint_dir=tmp_path,
            progress=False,
            on_epoch=lambda report: report.epoch < epochs,
        )
        return record.provenance["device"]

    assert resume("a GPU", 1) == "a GPU"
    assert resume("a GPU", 2) == "a GPU"
    assert resume("a CPU", 3) == "a GPU, then a CPU"
    assert resume("a CPU", 4) == "a GPU, then a CPU"
    assert resume("a GPU", 9) == "a GPU, then a CPU, then a GPU"

"""`train` against the usual training loop: one call of the model per batch, torch's Adam and its scheduler."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional as F

from rethinkpool_core import build_model
from rethinkpool_core.batching.batch import BatchBuilder
from rethinkpool_core.training.epoch import shuffled

QUICK = {
    "learning_rate": 0.01,
    "learning_rate_patience": 2,
    "stop_patience": 4,
    "least_learning_rate": 0.004,
    "max_epochs": 16,
}


def plain_run(
    name, dataset, seed, *, batch_size, clip_norm, auxiliary_weight=1.0, protocol=QUICK, **overrides
):
    """Curves of one seed in float64, and its best epoch with validation and test score."""
    split = dataset.with_split(seed)
    model = build_model(name, dataset, seed=seed, **overrides).double()
    builder = BatchBuilder(dataset, dtype=torch.float64)
    is_key = {key: key.endswith(".keys") for key, _ in model.named_parameters()}
    groups = {
        wanted: [p for key, p in model.named_parameters() if is_key[key] == wanted]
        for wanted in (False, True)
    }
    rate = protocol["learning_rate"]
    optimisers = {wanted: torch.optim.Adam(params, lr=rate) for wanted, params in groups.items() if params}
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimisers[False],
        mode="max",
        factor=0.5,
        patience=protocol["learning_rate_patience"] - 1,
        threshold=0.0,
        min_lr=protocol["least_learning_rate"],
        eps=0.0,
    )
    period = getattr(model.config, "purity_period", None) if name == "GMN" else None

    @torch.no_grad()
    def evaluate(part):
        model.eval()
        loss = right = 0.0
        for graph in part.split(7):  # small batches, in the order of the split
            batch = builder(graph)
            logits, _ = model(batch)
            loss += float(F.cross_entropy(logits, batch.y, reduction="sum"))
            right += int((logits.argmax(1) == batch.y).sum())
        return loss / len(part), right / len(part)

    curves, best, waited = {}, None, 0
    for epoch in range(1, protocol["max_epochs"] + 1):
        unsupervised = period is not None and epoch % period == 0
        group = unsupervised and True in optimisers
        optimiser = optimisers[group]
        optimiser.param_groups[0]["lr"] = rate
        sums: dict[str, float] = {}
        model.train()
        model.zero_grad(set_to_none=False)
        for index in shuffled(split.train, seed, epoch).split(batch_size):
            batch = builder(index, rng_key=epoch)
            logits, losses = model(batch)
            if period is not None and not unsupervised:
                losses = {"purity": torch.tensor(float("nan"))}
            supervised = F.cross_entropy(logits, batch.y)
            for key, loss in {"train_loss": supervised, **losses}.items():
                sums[key] = sums.get(key, 0.0) + float(loss.detach()) * len(index)
            if unsupervised:
                (losses["purity"] * len(index) / len(split.train)).backward()
                continue
            model.zero_grad(set_to_none=False)
            auxiliary = sum(loss for key, loss in losses.items() if key != "purity")
            (supervised + auxiliary_weight * auxiliary).backward()
            if clip_norm:
                torch.nn.utils.clip_grad_norm_(groups[group], clip_norm)
            optimiser.step()
        if unsupervised:
            if not group:  # where the purity loss has no gradient, Adam's momentum still moves
                for p in groups[False]:
                    p.grad = torch.zeros_like(p) if p.grad is None else p.grad
            optimiser.step()
        val_loss, val_score = evaluate(split.val)
        found = {key: value / len(split.train) for key, value in sums.items()}
        for key, value in {**found, "lr": rate, "val_loss": val_loss, "val_score": val_score}.items():
            curves.setdefault(key, []).append(value)
        if best is None or val_score > best[1]:
            best, waited = (epoch, val_score, evaluate(split.test)[1]), 0
        else:
            waited += 1
        plateau.optimizer.param_groups[0]["lr"] = rate
        plateau.step(val_score)
        rate = plateau.optimizer.param_groups[0]["lr"]
        if waited == protocol["stop_patience"]:
            break
    return curves, best


def compare(record, plain, tolerance=1e-9):
    curves, (best_epoch, val_score, test_score) = plain
    ours = {
        key: curve for key, curve in record.curves.items() if key != "train_seconds" and key[:7] != "memory "
    }
    assert ours.keys() == curves.keys()
    assert record.epochs == len(curves["lr"])
    for key, curve in curves.items():
        assert ours[key] == pytest.approx(curve, rel=tolerance, abs=tolerance, nan_ok=True), key
    assert (record.best_epoch, record.val_score, record.test_score) == (
        best_epoch,
        pytest.approx(val_score),
        pytest.approx(test_score),
    )


# A bias before a ReLU that is never off cancels in the batch norm after it: its gradient is a rounding error, which Adam
# scales up to lr * 1e-9 per step, so two ways to compute the same gradient agree there to about 1e-8 only.
@pytest.mark.parametrize(
    ("name", "batch_size", "clip_norm", "tolerance"),
    [("MINCUTPOOL", 32, 2.0, 1e-9), ("GRACLUS", 16, 0.0, 1e-9), ("DIFFPOOL-V2", 32, 2.0, 1e-7)],
)
def test_same_as_a_plain_loop(name, batch_size, clip_norm, tolerance, digits, run):
    dataset = digits(200)
    (record,) = run(name, dataset, [3], batch_size=batch_size, **QUICK)
    plain = plain_run(name, dataset, 3, batch_size=batch_size, clip_norm=clip_norm)
    compare(record, plain, tolerance)
    # The run was long enough for the learning rate to fall to its least value.
    assert 0.01 in plain[0]["lr"] and 0.005 in plain[0]["lr"]


def test_clipping_matters_here(digits, run):
    """The smaller norm clips every step."""
    dataset = digits(100)
    short = QUICK | {"max_epochs": 4}
    for clip_norm in (0.05, 0.0):
        (record,) = run("MINCUTPOOL", dataset, [1], batch_size=32, clip_norm=clip_norm, **short)
        compare(
            record, plain_run("MINCUTPOOL", dataset, 1, batch_size=32, clip_norm=clip_norm, protocol=short)
        )


@pytest.mark.parametrize("name", ["MINCUTPOOL", "DIFFPOOL-V2"])
def test_weighted_auxiliary_losses(name, digits, run):
    """Curves are of the losses without their weight, in a plain loop too."""
    dataset = digits(100)
    short = QUICK | {"max_epochs": 4}
    found = []
    for weight in (0.0, 3.0):
        (record,) = run(name, dataset, [1], batch_size=32, auxiliary_weight=weight, **short)
        plain = plain_run(
            name, dataset, 1, batch_size=32, clip_norm=2.0, auxiliary_weight=weight, protocol=short
        )
        compare(record, plain, 1e-7)
        found.append(record.curves["train_loss"])
    assert found[0] != found[1]


@pytest.mark.parametrize("train_keys", [True, False])
def test_gmn_alternates_like_a_plain_loop(train_keys, digits, run):
    dataset, changed = (
        digits(150),
        {"train_keys": train_keys, "purity_period": 3, "num_keys": [6, 1], "num_heads": 2},
    )
    (record,) = run("GMN", dataset, [2], model=changed, batch_size=32, **(QUICK | {"max_epochs": 10}))
    compare(
        record,
        plain_run(
            "GMN", dataset, 2, batch_size=32, clip_norm=0.0, protocol=QUICK | {"max_epochs": 10}, **changed
        ),
    )


def trained(run, dataset, folder, epochs, changed):
    """Tensors of the checkpoint after so many epochs."""
    run(
        "GMN",
        dataset,
        [1],
        model=changed,
        max_epochs=epochs,
        batch_size=32,
        checkpoint_dir=folder / str(epochs),
    )
    saved = load_file(folder / str(epochs) / "GMN-DIGITS-seed1.safetensors")
    return {name.removeprefix("1/"): tensor for name, tensor in saved.items()}


@pytest.mark.parametrize("train_keys", [True, False])
def test_which_parameters_move_in_which_epoch(train_keys, digits, run, tmp_path):
    """Appendix B: the purity loss updates the keys only, every p-th epoch; the supervised loss the rest."""
    dataset, changed = (
        digits(60),
        {"train_keys": train_keys, "purity_period": 3, "num_keys": [4, 1], "num_heads": 2},
    )
    after = [trained(run, dataset, tmp_path, epochs, changed) for epochs in range(1, 7)]
    keys = [state.get("groups/keys/theta") for state in after]
    rest = [state["groups/rest/theta"] for state in after]
    for epoch in range(2, 7):
        before, now = epoch - 2, epoch - 1
        moved = not torch.equal(rest[before], rest[now])
        if train_keys:
            assert moved == (epoch % 3 != 0), epoch
            assert torch.equal(keys[before], keys[now]) == (epoch % 3 != 0), epoch
        else:
            assert moved, epoch
            assert keys[now] is None, "keys that are not trained are buffers"


def test_fixed_keys_stay_as_drawn(digits, run):
    dataset, changed = (
        digits(60),
        {"train_keys": False, "purity_period": 2, "num_keys": [4, 1], "num_heads": 2},
    )
    (record,) = run("GMN", dataset, [5], model=changed, max_epochs=4, batch_size=32)
    drawn = build_model("GMN", dataset, seed=5, **changed).double().state_dict()
    names = [name for name in drawn if name.endswith(".keys")]
    assert len(names) == 2
    assert all(torch.equal(record.weights[name], drawn[name]) for name in names)

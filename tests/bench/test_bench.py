"""``rethinkpool bench``: what it writes follows from what it measured, and what is wrong is said in one sentence."""

from __future__ import annotations

import json
import math
import os
import signal
from pathlib import Path
from statistics import median

import pytest
import torch
from small_graphs import dataset_of, named_graphs, store_of

from rethinkpool_core.bench import child
from rethinkpool_core.bench.datasets import random_graphs, some_graphs
from rethinkpool_core.bench.plan import QUICK
from rethinkpool_core.bench.rounds import Apart, overall, summary
from rethinkpool_core.bench.sides import Ours, Plain
from rethinkpool_core.cli import main
from rethinkpool_core.errors import DataError, RethinkPoolError

CPU = torch.device("cpu")


def only_line(text: str) -> str:
    lines = text.splitlines()
    assert len(lines) == 1, text
    return lines[0]


@pytest.fixture
def tiny(monkeypatch):
    """``--quick`` in seconds."""
    for key, value in {
        "graphs": 40,
        "seed_numbers": (1, 2),
        "node_numbers": (8, 9),
        "graph_numbers": (40,),
    }.items():
        monkeypatch.setitem(QUICK, key, value)


def bench(*options: str) -> int:
    return main(["bench", "--quick", "--dataset", "DIGITS", "--seeds", "2", *options])


def test_command(tiny, tmp_path, capsys):
    path = tmp_path / "found.json"
    models = ["--model", "GRACLUS", "--model", "N-MINCUTPOOL"]
    assert bench("--rounds", "3", "--no-growth", "--json", str(path), *models) == 0
    out, err = capsys.readouterr()
    assert "N-MINCUTPOOL: round 3 of 3" in err
    found = json.loads(path.read_text())
    assert [entry["model"] for entry in found["models"]] == ["GRACLUS", "N-MINCUTPOOL"]
    assert found["clock"] == "process"
    assert found["overall"] is None
    assert found["data"]["graphs"] == 40
    assert found["plan"]["threads"] == 1
    assert {"torch", "torch_geometric", "python"} <= found["versions"].keys()
    for entry in found["models"]:
        assert len(entry["rounds"]) == 3
        ratios = [r["plain"]["process"] / r["ours"]["process"] for r in entry["rounds"]]
        assert entry["ratio"] == pytest.approx(median(ratios))
        assert (entry["least"], entry["largest"]) == pytest.approx((min(ratios), max(ratios)))
        assert f"{entry['ratio']:.1f}" in next(line for line in out.splitlines() if entry["model"] in line)
    graclus, mincut = found["models"]
    assert "ratio_without_matching" not in mincut
    left = [
        (r["plain"]["process"] - r["matching"]["process"]) / r["ours"]["process"] for r in graclus["rounds"]
    ]
    assert graclus["ratio_without_matching"] == pytest.approx(median(left))
    assert 0 < graclus["ratio_without_matching"] < graclus["ratio"]


@pytest.mark.slow
def test_growth_and_memory(tiny, tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(QUICK, "memory", True)
    path = tmp_path / "found.json"
    assert bench("--rounds", "1", "--json", str(path), "--model", "N-MINCUTPOOL") == 0
    assert "by nodes" in capsys.readouterr().out
    found = json.loads(path.read_text())
    assert all(size > 0 for size in found["models"][0]["memory"].values())
    curves = found["growth"]
    assert [[p["seeds"] for p in curve["points"]] for curve in curves["seeds"]] == [[1], [1, 2]]
    assert [[p["nodes"] for p in curve["points"]] for curve in curves["nodes"]] == [[8, 9]] * 3
    assert [[p["graphs"] for p in curve["points"]] for curve in curves["graphs"]] == [[40]] * 2
    assert all(curve["stopped"] is None for axis in curves.values() for curve in axis)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model", "MINCUTPOL"], "did you mean 'MINCUTPOOL'"),
        (["--model", "NO-POOL"], "known are MINCUTPOOL"),
        (["--dataset", "DIGIT"], "DIGITS"),
        (["--dataset", "MOLHIV"], "another dataset"),
        (["--rounds", "0"], "--rounds is 0"),
        (["--threads", "0"], "--threads is 0"),
        (["--seeds", "0"], "seeds is 0"),
        (["--device", "gpu"], "cuda"),
    ],
)
def test_wrong_words(options, said, capsys):
    assert main(["bench", *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in only_line(err)


def test_json_that_cannot_be_written_is_said_before_anything_is_measured(tmp_path, capsys):
    assert main(["bench", "--json", str(tmp_path / "no" / "found.json")]) == 1
    assert "cannot write" in only_line(capsys.readouterr().err)


def test_summary_of_rounds():
    rounds = [
        {"plain": {"process": p, "wall": 1.0}, "ours": {"process": o, "wall": 2.0}}
        for p, o in [(6, 2), (9, 1), (4, 4)]
    ]
    found = summary(rounds, "process")
    assert found == {"plain_seconds": 6, "our_seconds": 2, "ratio": 3, "least": 1, "largest": 9}
    assert summary(rounds, "wall")["ratio"] == 0.5


def test_overall_is_the_geometric_mean():
    ratios = {"MINCUTPOOL": 1, "N-MINCUTPOOL": 2, "DIFFPOOL-V2": 4, "N-DIFFPOOL-V2": 8, "GMN": 100}
    models = [{"model": model, "ratio": ratio} for model, ratio in ratios.items()]
    assert overall(models)["ratio"] == pytest.approx(64**0.25)
    assert overall(models[1:]) is None


# -- sides


@pytest.mark.parametrize("name", ["N-MINCUTPOOL", "GMN"])
def test_both_sides_train_every_seed(name):
    dataset = dataset_of(store_of([graph for graph in named_graphs().values() if graph.number_of_edges()]))
    plain, ours = Plain(name, dataset, CPU), Ours(name, dataset, CPU, [1, 2])
    before = {key: value.clone() for key, value in plain.trainer.model.state_dict().items()}
    group = ours.model.update(1).group
    start = [ours.replicas.state(row)[f"groups/{group}/theta"] for row in (0, 1)]
    for side in (plain, ours):
        assert side.epoch_seconds().wall > 0
    assert any(not torch.equal(before[key], value) for key, value in plain.trainer.model.state_dict().items())
    for row in (0, 1):
        assert not torch.equal(ours.replicas.state(row)[f"groups/{group}/theta"], start[row])
        assert "test_score" in vars(ours.states[row + 1])
        assert (
            ours.states[row + 1].test_score is None
        )  # no epoch counts as the best: the test set is left alone
        scores = ours.states[row + 1].curves["val_score"]
        assert [math.isfinite(score) for score in scores].count(True) == 1, (
            "one validation for all kinds of epochs"
        )


def test_gmn_takes_turns():
    dataset = dataset_of(store_of([graph for graph in named_graphs().values() if graph.number_of_edges()]))
    plain, ours = Plain("GMN", dataset, CPU), Ours("GMN", dataset, CPU, [1])

    def weights():
        keys, rest = (ours.replicas.state(0)[f"groups/{group}/theta"] for group in ("keys", "rest"))
        return [keys, rest, *(p.detach().clone() for p in (plain.trainer.keys[0], plain.trainer.rest[0]))]

    assert list(ours.updates.values()) == [0.8, 0.2], "every fifth epoch moves the keys"
    supervised, unsupervised = ours.updates
    for update in (supervised, unsupervised, supervised):
        before = weights()
        for side in (plain, ours):
            side.train(update)
        moved = [not torch.equal(a, b) for a, b in zip(before, weights(), strict=True)]
        assert moved == [update is unsupervised, update is supervised] * 2


class Killed(Plain):
    def warm_up(self):
        os.kill(os.getpid(), signal.SIGKILL)


class Foreign(Plain):
    def warm_up(self):
        raise DataError(f"in process {os.getpid()}")


def test_a_side_is_in_a_process_of_its_own():
    with pytest.raises(DataError, match=r"in process \d+") as error:
        Apart(Foreign, "N-MINCUTPOOL", random_graphs(20, 5, 8), CPU)
    assert str(os.getpid()) not in str(error.value)


def test_a_side_that_is_killed_is_said():
    with pytest.raises(RethinkPoolError, match="benchmark of N-MINCUTPOOL was killed"):
        Apart(Killed, "N-MINCUTPOOL", random_graphs(20, 5, 8), CPU)


# -- data


def test_random_graphs():
    dataset = random_graphs(200, 10, 50)
    dataset.store.validate("random graphs")
    assert (int(dataset.store.num_nodes.min()), dataset.max_nodes) == (10, 50)
    assert 3 < float(dataset.store.num_edges.sum() / dataset.store.num_nodes.sum()) <= 4
    x, edge_index, _, _ = dataset.store.graph(7)
    edges = set(map(tuple, edge_index.T.tolist()))
    assert edges == {(v, u) for u, v in edges}
    assert all(u != v for u, v in edges)
    assert int(x.max()) < dataset.num_features


def test_some_graphs_keep_the_largest():
    whole = random_graphs(100, 10, 50)
    part = some_graphs(whole, 20)
    part.store.validate("a part")
    assert part.store.num_graphs == 20
    assert part.max_nodes == whole.max_nodes
    assert sorted(torch.cat([part.train, part.val, part.test]).tolist()) == list(range(20))
    assert some_graphs(whole, 100) is whole


# -- jobs


def job(**more):
    shared = {"side": "ours", "model": "N-MINCUTPOOL", "seeds": 2, "batch_size": 0, "patience": 60.0}
    return shared | {"dataset": "DIGITS", "root": None, "graphs": 30} | more


@pytest.mark.parametrize("side", ["plain", "ours"])
def test_jobs_find_numbers(side):
    found = [
        *child.nodes(job(side=side, sizes=[8, 12], batch_size=8), CPU),
        *child.graphs(job(side=side, counts=[20]), CPU),
        *child.seeds(job(side=side, numbers=[1]), CPU),
        *child.memory(job(side=side), CPU),
    ]
    assert [point.get("nodes", point.get("graphs", point.get("seeds"))) for point in found] == [
        8,
        12,
        20,
        1,
        None,
    ]
    assert all(point["seconds"] > 0 for point in found[:-1])
    assert all("bytes" in point for point in found)


def test_a_curve_that_takes_too_long_stops():
    assert list(child.nodes(job(sizes=[8, 8000], batch_size=8, patience=1e-3), CPU))[1:] == [
        {"stopped": "time"}
    ]
    assert list(child.seeds(job(numbers=[1, 64], patience=1e-3), CPU))[1:] == [{"stopped": "time"}]


@pytest.mark.slow
def test_a_job_that_fails_says_why():
    with pytest.raises(RethinkPoolError, match="no-such-job"):
        child.run_job(job(job="no-such-job", device="cpu", threads=1), 60)


def test_committed_measurement_follows_from_its_rounds():
    path = Path(__file__).parents[2] / "results" / "how-fast.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    for entry in found["models"]:
        for key, value in summary(entry["rounds"], found["clock"]).items():
            assert entry[key] == pytest.approx(value)
    assert found["overall"]["ratio"] == pytest.approx(overall(found["models"])["ratio"])

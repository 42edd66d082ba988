"""``rethinkpool bench``: what it writes follows from what it measured, and what is wrong is said in one sentence."""

from __future__ import annotations

import errno
import json
import math
import os
import signal
import time
from pathlib import Path
from statistics import median

import pytest
import torch
from small_graphs import dataset_of, named_graphs, store_of

from rethinkpool_core.bench import curves
from rethinkpool_core.bench.clock import measured
from rethinkpool_core.bench.curves import Setup, measure
from rethinkpool_core.bench.datasets import random_graphs, subset
from rethinkpool_core.bench.implementations import Baseline, Ours
from rethinkpool_core.bench.plan import QUICK
from rethinkpool_core.bench.rounds import epochs, overall, summary
from rethinkpool_core.bench.worker import Worker, WorkerKilledError
from rethinkpool_core.cli import main
from rethinkpool_core.errors import DataError, RethinkPoolError, UnknownNameError

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
        ratios = [r["baseline"]["process"] / r["ours"]["process"] for r in entry["rounds"]]
        assert entry["speedup"] == pytest.approx(median(ratios))
        assert (entry["min"], entry["max"]) == pytest.approx((min(ratios), max(ratios)))
        assert f"{entry['speedup']:.1f}" in next(line for line in out.splitlines() if entry["model"] in line)
    graclus, mincut = found["models"]
    assert "speedup_without_matching" not in mincut
    left = [
        (r["baseline"]["process"] - r["matching"]["process"]) / r["ours"]["process"]
        for r in graclus["rounds"]
    ]
    assert graclus["speedup_without_matching"] == pytest.approx(median(left))
    assert 0 < graclus["speedup_without_matching"] < graclus["speedup"]


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


def test_data_of_ones_own_are_imported_to_the_given_folder(tmp_path, monkeypatch):
    """The folder and its root are looked at before the models, so a wrong model is enough to end the command."""
    imported = []
    monkeypatch.setattr(
        "rethinkpool_core.datasets.tu_import.import_tu", lambda *given: imported.append(given) or "TU:MINE"
    )
    assert main(["bench", "--dataset", "my/set", "--root", str(tmp_path), "--model", "NO-POOL"]) == 2
    assert imported == [("my/set", tmp_path)]


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_time_ends_when_the_device_has_finished(kind, monkeypatch):
    done = []
    monkeypatch.setattr(getattr(torch, kind), "synchronize", lambda *device: done.append("finished"))
    measured(lambda: done.append("work"), torch.device(kind))
    assert done == ["finished", "work", "finished"]


def test_measurements_are_written_where_the_output_cannot_be(tmp_path, monkeypatch):
    def full(*table):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("rethinkpool_core.bench.run.run", lambda *plan, **options: {"format": 2})
    monkeypatch.setattr("rethinkpool_core.bench.report.model_table", full)
    assert main(["bench", "--json", str(tmp_path / "found.json")]) == 1
    assert json.loads((tmp_path / "found.json").read_text()) == {"format": 2}


def test_json_that_cannot_be_written_is_said_before_anything_is_measured(tmp_path, capsys):
    assert main(["bench", "--json", str(tmp_path / "no" / "found.json")]) == 1
    assert "cannot write" in only_line(capsys.readouterr().err)


def test_summary_of_rounds():
    rounds = [
        {"baseline": {"process": p, "wall": 1.0}, "ours": {"process": o, "wall": 2.0}}
        for p, o in [(6, 2), (9, 1), (4, 4)]
    ]
    found = summary(rounds, "process")
    assert found == {"baseline_seconds": 6, "our_seconds": 2, "speedup": 3, "min": 1, "max": 9}
    assert summary(rounds, "wall")["speedup"] == 0.5


def test_overall_is_the_geometric_mean():
    ratios = {"MINCUTPOOL": 1, "N-MINCUTPOOL": 2, "DIFFPOOL-V2": 4, "N-DIFFPOOL-V2": 8, "GMN": 100}
    models = [{"model": model, "speedup": ratio} for model, ratio in ratios.items()]
    assert overall(models)["speedup"] == pytest.approx(64**0.25)
    assert overall(models[1:]) is None


# -- implementations


@pytest.mark.parametrize("name", ["N-MINCUTPOOL", "GMN"])
def test_both_implementations_train_every_seed(name):
    dataset = dataset_of(store_of([graph for graph in named_graphs().values() if graph.number_of_edges()]))
    baseline, ours = Baseline(name, dataset, CPU), Ours(name, dataset, CPU, [1, 2])
    before = {key: value.clone() for key, value in baseline.trainer.model.state_dict().items()}
    group = ours.model.update(1).group
    start = [ours.replicas.state(row)[f"groups/{group}/theta"] for row in (0, 1)]
    for implementation in (baseline, ours):
        assert implementation.epoch_seconds().wall > 0
    assert any(
        not torch.equal(before[key], value) for key, value in baseline.trainer.model.state_dict().items()
    )
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
    baseline, ours = Baseline("GMN", dataset, CPU), Ours("GMN", dataset, CPU, [1])

    def weights():
        keys, rest = (ours.replicas.state(0)[f"groups/{group}/theta"] for group in ("keys", "rest"))
        return [
            keys,
            rest,
            *(p.detach().clone() for p in (baseline.trainer.keys[0], baseline.trainer.rest[0])),
        ]

    assert list(ours.updates.values()) == [0.8, 0.2], "every fifth epoch moves the keys"
    supervised, unsupervised = ours.updates
    for update in (supervised, unsupervised, supervised):
        before = weights()
        for implementation in (baseline, ours):
            implementation.train(update)
        moved = [not torch.equal(a, b) for a, b in zip(before, weights(), strict=True)]
        assert moved == [update is unsupervised, update is supervised] * 2


class Killed(Baseline):
    def warm_up(self):
        os.kill(os.getpid(), signal.SIGKILL)


class Foreign(Baseline):
    def warm_up(self):
        raise DataError(f"in process {os.getpid()}")


def test_an_error_in_a_worker_is_raised_here():
    with (
        Worker(epochs, Foreign, "N-MINCUTPOOL", random_graphs(20, 5, 8), CPU) as worker,
        pytest.raises(DataError, match=r"in process \d+") as error,
    ):
        worker.next()
    assert str(os.getpid()) not in str(error.value)


def test_a_killed_worker_is_told():
    with (
        Worker(epochs, Killed, "N-MINCUTPOOL", random_graphs(20, 5, 8), CPU) as worker,
        pytest.raises(WorkerKilledError, match="killed"),
    ):
        worker.next()


# -- workers


def numbers(end: int):
    yield from range(end)


def unknown():
    raise UnknownNameError("model", "X", ["Y"])
    yield


def asleep():
    yield 1
    time.sleep(60)


def test_a_worker_yields_what_its_generator_yields():
    with Worker(numbers, 2) as worker:
        assert [worker.next(), worker.next()] == [0, 1]
        with pytest.raises(StopIteration):
            worker.next()


def test_an_error_that_cannot_be_unpickled_keeps_its_message():
    with Worker(unknown) as worker, pytest.raises(RethinkPoolError, match="there is no model 'X'"):
        worker.next()


def test_a_worker_that_takes_too_long():
    with Worker(asleep) as worker:
        assert worker.next() == 1
        with pytest.raises(TimeoutError):
            worker.next(timeout=0.2)


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


def test_a_subset_keeps_the_largest():
    whole = random_graphs(100, 10, 50)
    part = subset(whole, 20)
    part.store.validate("a part")
    assert part.store.num_graphs == 20
    assert part.max_nodes == whole.max_nodes
    assert sorted(torch.cat([part.train, part.val, part.test]).tolist()) == list(range(20))
    assert subset(whole, 100) is whole


# -- curves


def setup(implementation=Ours, seeds=2, batch_size=8, patience=60.0) -> Setup:
    return Setup(implementation, "N-MINCUTPOOL", CPU, seeds, batch_size, patience)


@pytest.mark.parametrize(("implementation", "seeds"), [(Baseline, 1), (Ours, 2)])
def test_curves_have_numbers(implementation, seeds):
    here = setup(implementation, seeds)
    nodes = list(curves.curve_over_nodes(here, [8, 12]))
    graphs = list(curves.curve_over_graphs(here, [20]))
    stacked = list(curves.curve_over_seeds(here, "DIGITS", None, 30, [1]))
    memory = list(curves.peak_memory(here, "DIGITS", None, 30))
    assert [point["nodes"] for point in nodes] == [8, 12]
    assert [point["graphs"] for point in graphs] == [20]
    assert [point["seeds"] for point in stacked] == [1]
    assert all(point["seconds"] > 0 for point in [*nodes, *graphs, *stacked])
    assert all("bytes" in point for point in [*nodes, *graphs, *stacked, *memory])


def test_a_curve_that_takes_too_long_stops():
    impatient = setup(patience=1e-3)
    for curve in (
        curves.curve_over_nodes(impatient, [8, 8000]),
        curves.curve_over_seeds(impatient, "DIGITS", None, 30, [1, 64]),
    ):
        next(curve)
        with pytest.raises(TimeoutError):
            next(curve)


def one_point(setup):
    yield {"process": os.getpid()}


def point_and_then(setup, what):
    yield {}
    if what == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    raise {
        "impatient": TimeoutError(),
        "full": RuntimeError("not enough memory"),
        "defect": RuntimeError("x"),
    }[what]


@pytest.mark.parametrize(("what", "stopped"), [("killed", "memory"), ("impatient", "time")])
def test_what_ends_a_curve_is_told_beside_its_points(what, stopped):
    assert measure(point_and_then, setup(), what, timeout=60) == ([{}], stopped)


@pytest.mark.parametrize(("what", "error"), [("full", MemoryError), ("defect", RuntimeError)])
def test_lack_of_memory_is_told_from_a_defect(what, error, monkeypatch):
    monkeypatch.setattr(curves, "limit_memory", lambda: None)  # of the process of the tests
    points = curves._limited(point_and_then, setup(), what)
    assert next(points) == {}
    with pytest.raises(error):
        next(points)


def test_a_curve_has_limited_time():
    assert measure(one_point, setup(), timeout=0) == ([], "time")


def test_committed_measurement_follows_from_its_rounds():
    path = Path(__file__).parents[2] / "results" / "how-fast.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    for entry in found["models"]:
        for key, value in summary(entry["rounds"], found["clock"]).items():
            assert entry[key] == pytest.approx(value)
    assert found["overall"]["speedup"] == pytest.approx(overall(found["models"])["speedup"])

"""From runs to the rows, pairs and sentences that a reader sees."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from rethinkpool_core.analysis.pairs import CONTROL, TWINS, pairs_among
from rethinkpool_core.analysis.tables import cell_scores, comparisons, overall, settings_of
from rethinkpool_core.data.spec import get_spec
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.models.names import MODELS
from rethinkpool_core.paper import published
from rethinkpool_core.plots_results import curve_bands, forest, score_strips


def runs_of(*cells, seeds=range(1, 21), spread=0.02):
    """Rows of ``(cell, mean)``; each seed's split moves all models alike."""
    rows = []
    for number, (cell, mean) in enumerate(cells):
        for seed in seeds:
            common, own = (
                np.random.default_rng([seed]).normal(),
                np.random.default_rng([seed, number + 1]).normal(),
            )
            score = mean + spread * (common + 0.1 * own)
            rows.append(
                {
                    "key": cell.key(seed), "cell": cell.digest, "model": cell.model, "dataset": cell.spec.name,
                    "seed": seed, "metric": cell.spec.metric, "val_score": score, "test_score": score,
                    "best_epoch": 3, "epochs": 5 + seed % 3, "max_epochs": 1000, "error": None,
                    "config": cell.config, "curves": {"val_score": list(np.linspace(0.5, score, 5 + seed % 3))},
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def runs():
    return runs_of(
        (Cell("MINCUTPOOL", "PROTEINS"), 0.740),
        (Cell("N-MINCUTPOOL", "PROTEINS"), 0.742),
        (Cell("DIFFPOOL-V2", "ZINC"), 0.50),
        (Cell("N-DIFFPOOL-V2", "ZINC"), 0.40),
        (Cell("MINCUTPOOL", "MOLHIV"), 0.72),
        (Cell("N-MINCUTPOOL", "MOLHIV"), 0.72),
    )


def test_every_twin_is_a_model_and_has_one_method():
    twins = [twin for of_method in TWINS.values() for twin in of_method]
    assert len(set(twins)) == len(twins) and {*twins, *TWINS, CONTROL} == set(MODELS)


def test_pairs():
    assert pairs_among(["GMN", "RANDOM-GMN", "NCI1", "NO-POOL"]) == [
        ("GMN", "RANDOM-GMN"),
        ("GMN", "NO-POOL"),
    ]
    assert pairs_among(["N-DIFFPOOL", "U-DIFFPOOL"]) == []


def test_cells_beside_the_published(runs):
    scores = cell_scores(runs)
    assert [(score.dataset, score.model) for score in scores] == [
        ("ZINC", "DIFFPOOL-V2"), ("ZINC", "N-DIFFPOOL-V2"), ("PROTEINS", "MINCUTPOOL"), ("PROTEINS", "N-MINCUTPOOL"),
        ("MOLHIV", "MINCUTPOOL"), ("MOLHIV", "N-MINCUTPOOL"),
    ]  # fmt: skip
    for score in scores:
        part = runs[(runs.model == score.model) & (runs.dataset == score.dataset)].test_score.to_numpy()
        part = part if score.metric == "mae" else 100 * part
        printed = published("S5", score.model, score.dataset)
        assert score.seeds == 20 and score.printed == printed
        assert (score.mean, score.std) == pytest.approx((part.mean(), part.std(ddof=1)))
        apart = part.mean() - printed.mean
        assert score.in_printed_std == pytest.approx(apart / printed.std)
        assert score.in_printed_standard_errors == pytest.approx(apart / (printed.std / math.sqrt(20)))
        assert score.in_standard_errors == pytest.approx(
            apart / math.sqrt(part.var(ddof=1) / 20 + printed.std**2 / 20)
        )


def test_pairing_follows_the_split(runs):
    found = {one.dataset: one for one in comparisons(runs)}
    for dataset, one in found.items():
        assert one.paired == (get_spec(dataset).split == "stratified")
        assert one.comparisons == 3
    assert found["PROTEINS"].verdict == "equivalent", "pairing takes away what the splits do"
    assert found["MOLHIV"].verdict == "undecided"
    assert found["ZINC"].verdict == "different" and found["ZINC"].margin == 0.01
    assert [one.dataset for one in comparisons(runs)] == ["ZINC", "PROTEINS", "MOLHIV"]


def test_margin_is_a_parameter(runs):
    (one,) = comparisons(runs[runs.dataset == "PROTEINS"], margin=0.05)
    assert one.margin == 0.05 and one.verdict == "undecided" or one.verdict == "different"


def test_failed_runs_do_not_count(runs):
    broken = runs.copy()
    broken.loc[(broken.seed <= 5) & (broken.model == "MINCUTPOOL"), ["test_score", "error"]] = [
        math.nan,
        "no",
    ]
    scores = {(s.dataset, s.model): s for s in cell_scores(broken)}
    assert (scores["PROTEINS", "MINCUTPOOL"].seeds, scores["PROTEINS", "MINCUTPOOL"].failed) == (15, 5)
    found = {one.dataset: one for one in comparisons(broken)}
    assert found["PROTEINS"].seeds == (15, 15) and found["MOLHIV"].seeds == (15, 20)
    all_failed = broken[(broken.seed <= 5) & (broken.model == "MINCUTPOOL")]
    (score, _) = cell_scores(all_failed)
    assert score.mean is None and score.in_printed_std is None and score.in_standard_errors is None
    assert comparisons(all_failed) == []


def test_other_settings_are_apart():
    usual, changed = Cell("MINCUTPOOL", "NCI1"), Cell("MINCUTPOOL", "NCI1", {"hidden_dim": 8})
    twin = Cell("N-MINCUTPOOL", "NCI1", {"hidden_dim": 8})
    runs = runs_of((usual, 0.7), (changed, 0.6), (twin, 0.6))
    names = {cell.digest: cell.settings for cell in (usual, changed, twin)}
    scores = cell_scores(runs, names)
    assert [score.printed is not None for score in scores] == [True, False, False]
    (one,) = comparisons(runs, names)
    assert abs(one.difference) < 1
    told = settings_of(runs)
    assert told[usual.digest] == "" and told[changed.digest].startswith("cell ")


def test_overall(runs):
    assert overall(comparisons(runs)) == (
        "Of 3 comparisons: 1 equivalent, 1 different, 1 undecided (at a level of 5 % over all of them, after Holm)."
    )
    assert "have both been trained" in overall([])


def test_figures_say_what_they_show(runs):
    found = comparisons(runs)
    panels = forest(found).panels
    assert len(panels) == 2 and "within 1 points" in panels[0].caption and "0.01" in panels[1].caption
    assert "PROTEINS" in panels[0].svg and "N-MINCUTPOOL" in panels[0].svg
    strips = score_strips(runs, cell_scores(runs)).panels
    assert [strip.caption.partition(":")[0] for strip in strips] == ["ZINC", "PROTEINS", "MOLHIV"]
    curves = curve_bands(runs[runs.dataset == "PROTEINS"], "val_score", "accuracy")
    assert "MINCUTPOOL, 20 seeds" in curves.svg and "half have stopped" in curves.caption
    assert forest([]).panels == []


def test_figures_of_a_single_seed():
    runs = runs_of((Cell("MINCUTPOOL", "NCI1"), 0.7), (Cell("N-MINCUTPOOL", "NCI1"), 0.6), seeds=[3])
    assert len(forest(comparisons(runs)).panels) == 1
    assert score_strips(runs, cell_scores(runs)).panels and curve_bands(runs, "val_score", "accuracy").svg

"""From runs to the rows, pairs and sentences that a reader sees."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal

import pandas as pd
import pytest
from analysis.samples import runs_of
from scipy.stats import ttest_ind

from rethinkpool_core import register_model
from rethinkpool_core.analysis.pairs import CONTROL, pairs_among
from rethinkpool_core.analysis.sentences import sentence
from rethinkpool_core.analysis.tables import cell_scores, comparisons, overall, settings_of
from rethinkpool_core.datasets.spec import get_spec
from rethinkpool_core.errors import UsageError
from rethinkpool_core.experiments.cell import Cell
from rethinkpool_core.experiments.plan import Task
from rethinkpool_core.experiments.work import failed_record
from rethinkpool_core.models.graclus import Graclus, GraclusConfig
from rethinkpool_core.models.names import MODELS
from rethinkpool_core.models.registry import forget_models
from rethinkpool_core.paper import published
from rethinkpool_core.parameters.types import RECORDED_IF_CHANGED


def test_pairs_of_the_paper():
    """Each randomised variant with the method whose pooling it replaces, and each method with the control."""
    diffpool = [f"{letter}-DIFFPOOL{form}" for form in ("", "-INV") for letter in "UNB"]
    twins = {
        "GRACLUS": ["COMPLEMENT"],
        "DIFFPOOL": diffpool,
        "DIFFPOOL-V2": ["N-DIFFPOOL-V2"],
        "MINCUTPOOL": ["N-MINCUTPOOL"],
        "GMN": ["DISTANCE-GMN", "RANDOM-GMN"],
    }
    expected = [(method, twin) for method, of_method in twins.items() for twin in of_method]
    assert pairs_among(MODELS) == expected + [(method, CONTROL) for method in twins]


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
        assert score.seeds == 20 and score.published == printed
        assert (score.mean, score.std) == pytest.approx((part.mean(), part.std(ddof=1)))
        apart = part.mean() - printed.mean
        assert score.difference_in_sd == pytest.approx(apart / printed.std)
        assert score.z_published == pytest.approx(apart / (printed.std / math.sqrt(20)))
        assert score.z_both == pytest.approx(apart / math.sqrt(part.var(ddof=1) / 20 + printed.std**2 / 20))


def test_runs_on_a_dataset_of_the_users_own_are_compared_unpaired():
    """Its records do not tell whether seeds drew the split; `results` ended with "there is no dataset"."""
    cells = [(Cell(model, "PROTEINS"), mean) for model, mean in (("MINCUTPOOL", 0.7), ("N-MINCUTPOOL", 0.72))]
    runs = runs_of(*cells).assign(dataset="MINE")
    (one,) = comparisons(runs, settings_of(runs))
    method, twin = (100 * runs.test_score[runs.model == cell.model] for cell, _ in cells)
    assert (one.dataset, one.paired, one.seeds) == ("MINE", False, (20, 20))
    assert one.unadjusted.p_difference == pytest.approx(ttest_ind(method, twin, equal_var=False).pvalue)
    assert not one.unmatched[0]


def test_a_run_that_failed_before_its_data_were_read_has_the_metric_of_the_others():
    """Of a set of TU outside the paper only the data tell that it is a regression."""
    cells = [(Cell(model, "TU:MINE"), mean) for model, mean in (("MINCUTPOOL", 0.7), ("N-MINCUTPOOL", 0.72))]
    runs = runs_of(*cells).assign(metric="mae")
    record = failed_record(Task(cells[0][0], (1,)), 1, "its worker died")
    runs.loc[0, ["metric", "test_score", "error"]] = [record.metric, math.nan, record.error]
    assert record.metric == "accuracy"
    assert [(one.metric, one.seeds, one.failed) for one in cell_scores(runs)] == [
        ("mae", 19, 1),
        ("mae", 20, 0),
    ]
    (one,) = comparisons(runs)
    assert (one.metric, one.failed) == ("mae", (1, 0))


def test_pairing_follows_the_split(runs):
    found = {one.dataset: one for one in comparisons(runs)}
    for dataset, one in found.items():
        assert one.paired == get_spec(dataset).seed_draws_split
        assert one.family_size == 3
    assert found["PROTEINS"].verdict == "equivalent", "pairing takes away what the splits do"
    assert found["MOLHIV"].verdict == "undecided"
    assert found["ZINC"].verdict == "different" and found["ZINC"].margin == 0.01
    assert [one.dataset for one in comparisons(runs)] == ["ZINC", "PROTEINS", "MOLHIV"]


def test_margin_alpha_and_pairing_are_parameters(runs):
    part = runs[runs.dataset == "PROTEINS"]
    (one,) = comparisons(part, margin=0.05, alpha=0.1)
    assert (one.margin, one.alpha) == (0.05, 0.1) and one.p_equivalence > 0.1
    (one,) = comparisons(part, paired=False)
    assert not one.paired and one.verdict == "undecided", "the splits are in the way"


@pytest.mark.parametrize(
    ("dataset", "paired"), [("DD", True), ("SMNIST", False), ("ZINC", False), ("TU:MUTAG", True)]
)
def test_seeds_are_paired_where_they_draw_the_split(dataset, paired):
    (one,) = comparisons(runs_of((Cell("GMN", dataset), 0.5), (Cell("RANDOM-GMN", dataset), 0.6)))
    assert one.paired == paired


def test_order_of_rows_does_not_matter(runs):
    shuffled = runs.sample(frac=1, random_state=0)
    assert comparisons(shuffled) == comparisons(runs)
    for one, other in zip(cell_scores(shuffled), cell_scores(runs), strict=True):
        assert (one.mean, one.std) == pytest.approx((other.mean, other.std))
        assert (one.dataset, one.model, one.seeds) == (other.dataset, other.model, other.seeds)


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
    assert found["PROTEINS"].failed == (5, 0) and found["PROTEINS"].unmatched == (0, 5)
    assert "5 runs of MINCUTPOOL failed" in sentence(found["MOLHIV"])
    all_failed = broken[(broken.seed <= 5) & (broken.model == "MINCUTPOOL")]
    (score, _) = cell_scores(all_failed)
    assert score.mean is None and score.difference_in_sd is None and score.z_both is None
    assert comparisons(all_failed) == []


@pytest.mark.parametrize("change", [{"error": "the loss is not finite"}, {"test_score": math.nan}])
def test_a_run_needs_a_score_and_no_error_to_count(runs, change):
    """A run may have had a best epoch before it failed."""
    broken = runs[runs.dataset == "PROTEINS"].copy()
    for column, value in change.items():
        broken.loc[broken.seed == 3, column] = value
    assert {(score.seeds, score.failed) for score in cell_scores(broken)} == {(19, 1)}
    (one,) = comparisons(broken)
    assert one.seeds == (19, 19) and one.failed == (1, 1)


def test_other_settings_are_apart():
    usual, changed = Cell("MINCUTPOOL", "NCI1"), Cell("MINCUTPOOL", "NCI1", {"hidden_dim": 8})
    twin = Cell("N-MINCUTPOOL", "NCI1", {"hidden_dim": 8})
    runs = runs_of((usual, 0.7), (changed, 0.6), (twin, 0.6))
    names = {cell.digest: cell.settings for cell in (usual, changed, twin)}
    scores = cell_scores(runs, names)
    assert [score.published is not None for score in scores] == [True, False, False]
    (one,) = comparisons(runs, names)
    assert abs(one.difference) < 1 and one.settings == "hidden_dim=8"
    assert sentence(one).startswith("On NCI1 with hidden_dim=8, ")
    assert settings_of(runs) == names and names[twin.digest] == "hidden_dim=8"
    with pytest.raises(UsageError, match="2 configurations"):
        comparisons(runs)


@dataclass(frozen=True)
class LaterConfig(GraclusConfig):
    ties: Annotated[Literal["shared", "first"], RECORDED_IF_CHANGED] = "shared"


@pytest.mark.usefixtures("own_models")
def test_a_parameter_of_later_is_a_setting_only_where_it_is_changed():
    """The default names its runs as if the parameter were not there."""
    register_model(
        "NOW", Graclus, partial(GraclusConfig, matching="none"), settings={"num_layers": 1, "hidden_dim": 8}
    )
    before = Cell("NOW", "NCI1")
    forget_models(["NOW"])
    register_model(
        "NOW", Graclus, partial(LaterConfig, matching="none"), settings={"num_layers": 1, "hidden_dim": 8}
    )
    usual, changed = Cell("NOW", "NCI1"), Cell("NOW", "NCI1", {"ties": "first"})
    assert usual.digest == before.digest == Cell("NOW", "NCI1", {"ties": "shared"}).digest != changed.digest
    runs = runs_of((before, 0.7), (changed, 0.6))
    assert settings_of(runs) == {before.digest: "", changed.digest: "ties=first"}


def test_settings_of_a_cell_that_differs_in_nothing_recorded():
    """As of an older version: its digest is another, and so is its name."""
    cell = Cell("MINCUTPOOL", "NCI1")
    older = runs_of((cell, 0.7)).assign(cell="0123456789abcdef")
    assert settings_of(older) == {"0123456789abcdef": "cell 012345"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda runs: pd.concat([runs, runs.iloc[[3]]]), "seed 4 of MINCUTPOOL on PROTEINS occurs twice"),
        (lambda runs: runs.assign(metric=["mae", *runs.metric[1:]]), "accuracy and mae"),
        (lambda runs: runs.assign(test_score=100 * runs.test_score), "between 0 and 1"),
        (lambda runs: runs.assign(test_score=-runs.test_score), "between 0 and 1"),
    ],
)
def test_runs_that_contradict_each_other(runs, change, words):
    wrong = change(runs[runs.dataset == "PROTEINS"])
    for read in (cell_scores, comparisons):
        with pytest.raises(UsageError, match=words):
            read(wrong)


def test_an_error_may_be_above_one(runs):
    part = runs[runs.dataset == "ZINC"]
    (one,) = comparisons(part.assign(test_score=part.test_score + 1))
    assert one.difference == pytest.approx(comparisons(part)[0].difference)


def test_pairs_without_a_common_seed_are_told_and_not_tested(runs):
    part = runs[runs.dataset == "PROTEINS"]
    part = part[(part.seed <= 10) == (part.model == "MINCUTPOOL")]
    (one,) = comparisons(part)
    assert one.verdict == "undecided" and "no seed" in sentence(one)


def test_no_runs_have_no_scores_and_no_pairs(runs):
    assert cell_scores(runs[:0]) == [] and comparisons(runs[:0]) == []


def test_overall(runs):
    assert overall(comparisons(runs)) == (
        "Of 3 comparisons: 1 equivalent, 1 different, 1 undecided (level 5 % for the whole family, after Holm)."
    )
    assert "has been trained together with its twin" in overall([])
    for alpha, level in (0.005, "level 0.5 %"), (0.07, "level 7 %"):
        assert level in overall(comparisons(runs, alpha=alpha))

"""The paper's tables as data: what was printed, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from rethinkpool_core.datasets.spec import DATASETS
from rethinkpool_core.errors import UnknownNameError, UsageError
from rethinkpool_core.files.checksums import sha256
from rethinkpool_core.models.names import MODELS
from rethinkpool_core.paper import (
    CLAIMS,
    METRICS,
    TABLES,
    get_metric,
    published,
    settings,
    source_of,
    stand_in,
    table_rows,
)

PAPER_DATASETS = ("NCI1", "IMDB-B", "SMNIST", "ZINC", "PROTEINS", "NCI109", "DD", "MOLHIV")
SHARED = Path(__file__).parents[2] / "shared" / "paper" / "tables"
PACKAGED = Path(__file__).parents[1] / "rethinkpool_core" / "paper" / "tables"

FAMILY_KEYS = {
    "GRACLUS": {"num_layers", "hidden_dim", "batch_size"},
    "COMPLEMENT": {"num_layers", "hidden_dim", "batch_size"},
    "NO-POOL": {"num_layers", "hidden_dim", "batch_size"},
    "MINCUTPOOL": {"hidden_dim", "batch_size"},
    "N-MINCUTPOOL": {"hidden_dim", "batch_size"},
    **{
        model: {"num_keys", "num_heads", "num_layers", "hidden_dim", "batch_size"}
        for model in ("GMN", "DISTANCE-GMN", "RANDOM-GMN")
    },
}
DIFFPOOL_KEYS = {"num_pool_layers", "hidden_dim", "mlp_hidden_dim", "batch_size"}


# SHA-256 of the tables when they were transcribed and proofread.
TRANSCRIBED = {
    "appendix_b.csv": "345c63e88bb96da6820cb111a44b29719a85480a031f4f088aee80cacf9a340b",
    "table_s1_datasets.csv": "c0f510e5e049755e38b26245dc0b8c50dcd47a394fd1370e40ec330af67a26d1",
    "table_s2_graclus.csv": "e0fb3c3c8a8e99a3d55b3770b20037e2f7583241524f5a96716078c46a6357b6",
    "table_s3_diffpool.csv": "9a508ac5c27a061437ad2b75ca29e7dc6b3d0b6855fa60c6e3fa6d6b25dff92c",
    "table_s4_gmn.csv": "d7354292cdb61d14c7c76f78a1f5689fff4e27da7eeb87d2194aefe9fcd8919a",
    "table_s5_results.csv": "89880db8a66a8e3bbce6033fcd3d0f4e8e1eef0205180d9febc4784e0542e3dd",
}


def test_tables_are_the_transcribed_ones():
    packaged = {path.name: sha256(path) for path in PACKAGED.glob("*.csv")}
    assert packaged == TRANSCRIBED
    if SHARED.is_dir():
        assert {path.name: sha256(path) for path in SHARED.glob("table_*.csv")}.items() <= packaged.items()


@pytest.mark.parametrize("table", TABLES)
def test_every_table_has_a_row_for_each_dataset(table):
    assert {row["dataset"] for row in table_rows(table)} == set(PAPER_DATASETS)


def test_rows_handed_out_are_copies():
    table_rows("S1")[0]["num_graphs"] = 0
    assert table_rows("S1")[0]["num_graphs"] == 4110


@pytest.mark.parametrize("dataset", [*PAPER_DATASETS, "DIGITS", "TU:MUTAG"])
@pytest.mark.parametrize("model", MODELS)
def test_every_model_has_settings_for_every_dataset(model, dataset):
    given = settings(model, dataset)
    assert set(given) == FAMILY_KEYS.get(model, DIFFPOOL_KEYS)
    numbers = [n for value in given.values() for n in (value if isinstance(value, tuple) else [value])]
    assert all(type(number) is int and number >= 1 for number in numbers)


@pytest.mark.parametrize(
    ("model", "dataset", "expected"),
    [
        ("COMPLEMENT", "MOLHIV", {"num_layers": 2, "hidden_dim": 128, "batch_size": 64}),
        (
            "GMN",
            "DD",
            {"num_keys": (32, 8, 1), "num_heads": 5, "num_layers": 3, "hidden_dim": 64, "batch_size": 128},
        ),
        (
            "B-DIFFPOOL-INV",
            "DD",
            {"num_pool_layers": 2, "hidden_dim": 32, "mlp_hidden_dim": 50, "batch_size": 8},
        ),
        (
            "N-DIFFPOOL-V2",
            "ZINC",
            {"num_pool_layers": 2, "hidden_dim": 56, "mlp_hidden_dim": 56, "batch_size": 64},
        ),
        ("N-MINCUTPOOL", "MOLHIV", {"hidden_dim": 64, "batch_size": 32}),
        ("MINCUTPOOL", "NCI1", {"hidden_dim": 32, "batch_size": 16}),
    ],
)
def test_settings_as_printed(model, dataset, expected):
    assert settings(model, dataset) == expected


def test_number_of_layers_is_the_number_of_key_sets():
    assert all(row["num_layers"] == len(row["num_keys"]) for row in table_rows("S4"))


@pytest.mark.parametrize(("dataset", "row"), [("DIGITS", "SMNIST"), ("TU:MUTAG", "PROTEINS"), ("DD", "DD")])
def test_stand_in(dataset, row):
    assert stand_in(dataset) == row
    assert settings("GMN", dataset) == settings("GMN", row)


@pytest.mark.parametrize(
    ("model", "dataset", "source"),
    [
        ("NO-POOL", "NCI1", "Table S2"),
        ("U-DIFFPOOL", "DIGITS", "Table S3, row SMNIST"),
        ("DIFFPOOL-V2", "NCI1", "the authors' 2020 release (Appendix B)"),
    ],
)
def test_source_of(model, dataset, source):
    assert source_of(model, dataset) == source


@pytest.mark.parametrize(
    ("model", "dataset", "printed"),
    [
        ("MINCUTPOOL", "SMNIST", "89.3 ± 1.0"),
        ("DIFFPOOL-V2", "ZINC", "0.50 ± 0.01"),
        ("N-DIFFPOOL-V2", "MOLHIV", "74.4 ± 3.0"),
    ],
)
def test_score_reads_as_printed(model, dataset, printed):
    assert str(published("S5", model, dataset)) == printed


def test_published_without_a_filter_is_the_whole_table():
    assert len(published("S5")) == 4 * len(PAPER_DATASETS)


def test_published_row_of_a_settings_table():
    assert published("S2", "COMPLEMENT", "IMDB-B")["num_layers"] == 2


def test_published_settings_of_a_twin_are_the_originals():
    assert published("B", "N-MINCUTPOOL", "DD") == published("B", "MINCUTPOOL", "DD")


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        (("S6",), None),
        (("S5", "MINCUTPOL"), "MINCUTPOOL"),
        (("S5", "MINCUTPOOL", "PROTEIN"), "PROTEINS"),
        (("S5", "GMN"), None),
    ],
)
def test_unknown_name_is_refused_with_the_nearest(arguments, nearest):
    with pytest.raises(UnknownNameError) as caught:
        published(*arguments)
    if nearest:
        assert caught.value.nearest == nearest


def test_table_s1_has_no_models():
    with pytest.raises(UsageError, match="without a model"):
        published("S1", "GMN")


@pytest.mark.parametrize("arguments", [("GMM", "NCI1"), ("GMN", "NCI2")])
def test_settings_of_an_unknown_name(arguments):
    with pytest.raises(UnknownNameError):
        settings(*arguments)


@pytest.mark.parametrize(
    ("metric", "value", "told"),
    [("accuracy", 0.8934, "89.3"), ("rocauc", 0.75, "75.0"), ("mae", 0.471, "0.47")],
)
def test_a_recorded_value_reads_as_the_printed_ones(metric, value, told):
    assert get_metric(metric).shown(value) == told


@pytest.mark.parametrize(
    ("metric", "number", "digits", "told"),
    [
        ("accuracy", -1.0, None, "1 point"),
        ("rocauc", 0.5, None, "0.5 points"),
        ("accuracy", 1.0, 1, "1.0 points"),
        ("mae", 0.01, None, "0.01"),
    ],
)
def test_amounts_have_their_unit(metric, number, digits, told):
    assert get_metric(metric).amount(number, digits) == told


def test_every_dataset_and_printed_score_has_a_known_metric():
    used = {spec.metric for spec in DATASETS.values()} | {score.metric for score in published("S5")}
    assert used == set(METRICS)


def test_errors_are_better_the_lower():
    assert {name for name, metric in METRICS.items() if not metric.higher_is_better} == {"mae"}


def test_unknown_metric_is_refused_with_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'accuracy'"):
        get_metric("acuracy")


def test_claims_have_unique_keys():
    assert len({claim.key for claim in CLAIMS}) == len(CLAIMS)


@pytest.mark.parametrize(
    "module",
    ["rethinkpool_core", "rethinkpool_core.cli", "rethinkpool_core.paper", "rethinkpool_core.datasets.spec"],
)
def test_import_is_light(module):
    heavy = "{'torch', 'pandas', 'torch_geometric', 'matplotlib', 'sklearn'}"
    code = f"import sys, {module}; print({heavy} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"

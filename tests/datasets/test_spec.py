from __future__ import annotations

import subprocess
import sys

import pytest

from rethinkpool_core.datasets.spec import DATASETS, get_spec
from rethinkpool_core.errors import UnknownNameError


def test_registry_holds_table_s1_and_the_built_in_sets() -> None:
    assert set(DATASETS) == {
        "NCI1", "IMDB-B", "SMNIST", "ZINC", "PROTEINS", "NCI109", "DD", "MOLHIV", "DIGITS",
        "RINGS-1", "RINGS-2", "RINGS-3",
    }  # fmt: skip


def test_counting_of_edges_agrees_with_the_table() -> None:
    for spec in DATASETS.values():
        if spec.published is not None:
            assert spec.edges_counted == spec.published["edges_counted"], spec.name


def test_any_tu_set_has_a_spec() -> None:
    spec = get_spec("TU:MUTAG")
    assert (spec.upstream, spec.source, spec.num_classes) == ("MUTAG", "tu", None)


def test_registered_tu_set_has_one_spec_under_both_names() -> None:
    assert get_spec("TU:IMDB-BINARY") is get_spec("IMDB-B")


@pytest.mark.parametrize("name", ["TU:", "TU:../secret", "TU:a/b", "TU:.hidden", "proteins", "", "TU:A\n"])
def test_what_is_no_name_of_a_dataset_is_refused(name: str) -> None:
    with pytest.raises(UnknownNameError):
        get_spec(name)


def test_unknown_dataset_names_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'PROTEINS'"):
        get_spec("PROTIENS")


@pytest.mark.parametrize(
    "module",
    ["rethinkpool_core.datasets", "rethinkpool_core.datasets.spec", "rethinkpool_core.datasets.inventory"],
)
def test_registry_does_not_import_torch(module: str) -> None:
    code = f"import sys, {module}; assert not {{'torch', 'pandas', 'sklearn'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)

"""Models of a user's own: what `register_model` takes, refuses, and passes on to a model and its training."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import pytest

from rethinkpool_core import build_model, register_model
from rethinkpool_core.datasets.spec import get_spec
from rethinkpool_core.errors import UnknownNameError, UsageError
from rethinkpool_core.models import config_fields, registry
from rethinkpool_core.models.build import model_config
from rethinkpool_core.models.graclus import Graclus, GraclusConfig
from rethinkpool_core.models.names import MODELS
from rethinkpool_core.models.registry import find_model, methods_and_twins, model_names, model_order
from rethinkpool_core.parameters.types import RECORDED_IF_CHANGED, Bounds, OnlyIf, PositiveInt
from rethinkpool_core.training import training_config

pytestmark = pytest.mark.usefixtures("own_models")


@dataclass(frozen=True)
class MineConfig:
    """As a user would write it: plain types, some with bounds."""

    random: bool
    num_layers: int = 2
    hidden_dim: int = 16
    matching: str = "none"
    initial_convolutions: int = 2
    ratio: Annotated[float, Bounds(above=0, at_most=1)] = 0.5
    scale: Annotated[float, OnlyIf("random", True)] = 1.0


class Mine(Graclus):
    pass


def register_mine(**settings):
    register_model("MINE", Mine, partial(MineConfig, random=False), settings=settings or None)
    register_model("R-MINE", Mine, partial(MineConfig, random=True), twin_of="MINE")


def test_the_built_in_models_are_registered_in_the_order_of_their_names():
    assert tuple(registry._REGISTERED) == MODELS == model_names()


def test_a_model_and_its_twin(small):
    register_mine()
    assert model_names() == (*MODELS, "MINE", "R-MINE")
    assert methods_and_twins()["MINE"] == ("R-MINE",)
    for name, random in ("MINE", False), ("R-MINE", True):
        model = build_model(name, small.dataset, hidden_dim=3)
        assert type(model) is Mine and model.name == name
        assert model.config == MineConfig(random, hidden_dim=3)


def test_fixed_fields_and_those_without_effect_cannot_be_set(small):
    register_mine()
    assert list(config_fields("MINE")) == [
        "num_layers",
        "hidden_dim",
        "matching",
        "initial_convolutions",
        "ratio",
    ]
    assert list(config_fields("R-MINE")) == [
        "num_layers",
        "hidden_dim",
        "matching",
        "initial_convolutions",
        "ratio",
        "scale",
    ]
    for key in ("random", "scale"):
        with pytest.raises(UnknownNameError, match=f"no parameter '{key}' of MINE"):
            build_model("MINE", small.dataset, **{key: True})


def test_bounds_are_checked(small):
    register_mine()
    with pytest.raises(UsageError, match="'ratio' of MINE cannot be 2: give a number above 0 and at most 1"):
        build_model("MINE", small.dataset, ratio=2)


def test_settings_are_of_the_model_and_of_its_training():
    register_mine(hidden_dim=5, batch_size=7, clip_norm=3)
    spec = get_spec("NCI1")
    assert model_config("MINE", spec).hidden_dim == 5
    assert model_config("MINE", spec, hidden_dim=6).hidden_dim == 6
    assert (training_config("MINE", "NCI1").batch_size, training_config("MINE", "NCI1").clip_norm) == (7, 3.0)
    assert training_config("MINE", "NCI1", batch_size=8).batch_size == 8
    assert training_config("MINE", "TU:MUTAG").batch_size == 7


def test_settings_may_depend_on_the_dataset():
    register_model(
        "MINE",
        Mine,
        partial(MineConfig, random=False),
        settings=lambda dataset: {"hidden_dim": 8 if dataset.features == "ones" else 9, "batch_size": 4},
    )
    assert model_config("MINE", get_spec("IMDB-B")).hidden_dim == 8
    assert model_config("MINE", get_spec("NCI1")).hidden_dim == 9
    assert training_config("MINE", "NCI1").batch_size == 4


def test_a_twin_takes_the_settings_of_its_method_and_its_own_come_first():
    register_model(
        "MINE", Mine, partial(MineConfig, random=False), settings={"hidden_dim": 5, "batch_size": 7}
    )
    register_model(
        "R-MINE",
        Mine,
        partial(MineConfig, random=True),
        twin_of="MINE",
        settings={"batch_size": 9, "scale": 2},
    )
    config = model_config("R-MINE", get_spec("NCI1"))
    assert (config.hidden_dim, config.scale, config.random) == (5, 2.0, True)
    assert training_config("R-MINE", "NCI1").batch_size == 9
    assert training_config("MINE", "NCI1").batch_size == 7


def test_a_twin_of_another_configuration_takes_what_it_has():
    register_model("MINE", Mine, partial(MineConfig, random=False), settings={"hidden_dim": 5, "ratio": 0.25})
    register_model("R-MINE", Graclus, partial(GraclusConfig, matching="none", num_layers=2), twin_of="MINE")
    assert model_config("R-MINE", get_spec("NCI1")) == GraclusConfig(2, 5, "none")
    training_config("R-MINE", "NCI1")  # "ratio" of the method is no slip in the twin's settings


def test_a_twin_of_a_built_in_method():
    register_model("C-GRACLUS", Graclus, partial(GraclusConfig, matching="complement"), twin_of="GRACLUS")
    spec = get_spec("MOLHIV")
    assert model_config("C-GRACLUS", spec) == model_config("COMPLEMENT", spec)
    assert methods_and_twins()["GRACLUS"] == ("COMPLEMENT", "C-GRACLUS")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"hiden_dim": 5}, "did you mean 'hidden_dim'"),
        ({"batchsize": 5}, "did you mean 'batch_size'"),
        ({"random": True}, "no parameter 'random'"),
        ({"batch_size": 0}, "'batch_size' of training .*settings of MINE.* cannot be 0"),
    ],
)
def test_wrong_settings_are_told_before_training(settings, words):
    register_mine(**settings)
    with pytest.raises(UsageError, match=words):
        training_config("MINE", "NCI1")


def test_wrong_settings_of_the_model():
    register_mine(ratio=3)
    with pytest.raises(UsageError, match=r"'ratio' of MINE \(from its settings\) cannot be 3"):
        model_config("MINE", get_spec("NCI1"))


def test_a_parameter_without_a_default():
    register_model("MINE", Mine, MineConfig)
    with pytest.raises(UsageError, match="'random' of MINE has no default"):
        model_config("MINE", get_spec("NCI1"))
    assert model_config("MINE", get_spec("NCI1"), random=True).random


def test_order_of_models():
    register_mine()
    names = ["AA-OF-AN-OLD-RUN", "R-MINE", "GMN", "MINE", "GRACLUS"]
    assert sorted(names, key=model_order) == ["GRACLUS", "GMN", "MINE", "R-MINE", "AA-OF-AN-OLD-RUN"]


@dataclass
class Thawed:
    hidden_dim: int = 3


@dataclass(frozen=True)
class Strange:
    sizes: dict = None


@dataclass(frozen=True)
class Unresolved:
    size: Missing = 3  # noqa: F821 - the mistake that is to be told


@dataclass(frozen=True)
class Later:
    size: Annotated[PositiveInt, RECORDED_IF_CHANGED]


GOOD = partial(MineConfig, random=False)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("GMN", Mine, GOOD), UsageError, "a model 'GMN' already"),
        (("gmn", Mine, GOOD), UsageError, "a model 'GMN' already"),
        (("MY POOL", Mine, GOOD), UsageError, "cannot be named 'MY POOL'"),
        (("", Mine, GOOD), UsageError, "cannot be named ''"),
        ((3, Mine, GOOD), UsageError, "cannot be named 3"),
        (("NEW", dict, GOOD), UsageError, "subclass of PoolingModel"),
        (("NEW", "Mine", GOOD), UsageError, "subclass of PoolingModel"),
        (("NEW", Mine, Thawed), UsageError, "frozen dataclass"),
        (("NEW", Mine, dict), UsageError, "frozen dataclass"),
        (("NEW", Mine, {"hidden_dim": 3}), UsageError, "frozen dataclass"),
        (("NEW", Mine, MineConfig(True)), UsageError, "frozen dataclass"),
        (("NEW", Mine, partial(MineConfig, True)), UsageError, "fixes a field by place"),
        (("NEW", Mine, partial(MineConfig, randm=True)), UnknownNameError, "did you mean 'random'"),
        (("NEW", Mine, Strange), UsageError, "field 'sizes' of Strange"),
        (("NEW", Mine, Unresolved), UsageError, "name 'Missing' is not defined"),
        (("NEW", Mine, Later), UsageError, "'size' of Later .* has no default"),
        (("NEW", Mine, GOOD, "MINCUTPOL"), UnknownNameError, "did you mean 'MINCUTPOOL'"),
        (("NEW", Mine, GOOD, "NEW"), UnknownNameError, "no model 'NEW'"),
        (("NEW", Mine, GOOD, "N-MINCUTPOOL"), UsageError, "itself the twin of MINCUTPOOL"),
        (("NEW", Mine, GOOD, None, ["hidden_dim"]), UsageError, "settings of NEW"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_registered_is_one_sentence_and_leaves_nothing(arguments, error, words):
    before = dict(registry._REGISTERED)
    name, cls, config, *rest = arguments
    with pytest.raises(error, match=words) as caught:
        register_model(name, cls, config, **dict(zip(("twin_of", "settings"), rest, strict=False)))
    assert "\n" not in str(caught.value)
    assert registry._REGISTERED == before


def test_a_notebook_may_register_its_model_again():
    cell = {"__name__": "__main__", "register_model": register_model, "Mine": Mine, "GOOD": GOOD}
    for _ in range(2):
        exec("register_model('MINE', Mine, GOOD, settings={'batch_size': 4})", cell)
    exec("register_model('MINE', Mine, GOOD, settings={'batch_size': 5})", cell)
    assert training_config("MINE", "NCI1").batch_size == 5
    with pytest.raises(UsageError, match="MINE cannot be its own twin"):
        exec("register_model('MINE', Mine, GOOD, twin_of='MINE')", cell)
    with pytest.raises(UsageError, match="already"):
        exec("register_model('GMN', Mine, GOOD)", cell)
    with pytest.raises(UsageError, match="already, from __main__"):
        register_model("MINE", Mine, GOOD)


def test_a_model_knows_the_module_that_registered_it():
    register_mine()
    assert find_model("MINE").module == __name__ == registry.user_module("MINE")
    assert registry.user_module("GMN") is None


def test_names_are_listed_without_torch():
    code = "import sys; from rethinkpool_core.models.registry import model_names, model_order; "
    code += "print(len(model_names()), model_order('GMN')[0], 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["17", "14", "False"]

"""Choose two models and see what `compare` says of their stored runs as seeds come in."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import ipywidgets

from rethinkpool_core.analysis.arriving import as_seeds_arrive, stored_pairs
from rethinkpool_core.analysis.sentences import sentence
from rethinkpool_core.errors import UsageError
from rethinkpool_core.figures.arriving import arriving_seeds

if TYPE_CHECKING:
    import pandas as pd


class SeedComparison(ipywidgets.VBox):
    """A pair of models, a slider for the number of seeds, and a button that lets them come in one by one.

    runs    rows of `load_results`

    Raises UsageError where no pair of models has two seeds in common.
    """

    def __init__(self, runs: pd.DataFrame):
        self.runs, self.pairs = runs, stored_pairs(runs)
        if not self.pairs:
            raise UsageError(
                "no two models that are compared have two seeds in common: run `rethinkpool grid` first"
            )
        self.found: dict[tuple[str, str, str], list] = {}
        self.dataset = ipywidgets.Dropdown(options=list(self.pairs), description="dataset")
        self.pair = ipywidgets.Dropdown(description="models", layout=ipywidgets.Layout(width="26rem"))
        self.seeds = ipywidgets.IntSlider(min=2, max=2, description="seeds", continuous_update=True)
        self.play = ipywidgets.Play(min=2, max=2, interval=600)
        self.picture, self.words = ipywidgets.HTML(), ipywidgets.HTML()
        ipywidgets.link((self.play, "value"), (self.seeds, "value"))
        self.dataset.observe(self._dataset_chosen, names="value")
        self.pair.observe(self._pair_chosen, names="value")
        self.seeds.observe(self.draw, names="value")
        super().__init__(
            [
                ipywidgets.HBox([self.dataset, self.pair]),
                ipywidgets.HBox([self.play, self.seeds]),
                self.words,
                self.picture,
            ]
        )
        self._dataset_chosen()

    def _dataset_chosen(self, change=None) -> None:
        pairs = self.pairs[self.dataset.value]
        self.pair.options = [(f"{twin} minus {method}", (method, twin)) for method, twin in pairs]
        self.pair.index = 0  # new options leave nothing chosen
        self._pair_chosen()

    def _pair_chosen(self, change=None) -> None:
        if self.pair.value is None:  # between two lists of options
            return
        most = self._comparisons()[-1].seeds[0]
        self.play.max = self.seeds.max = most
        self.seeds.value = most
        self.draw()

    def _comparisons(self) -> list:
        key = self.dataset.value, *self.pair.value
        if key not in self.found:
            self.found[key] = as_seeds_arrive(self.runs, *key)
        return self.found[key]

    def draw(self, change=None) -> None:
        """Draw the comparison of the chosen number of seeds, and say it in a sentence."""
        found = self._comparisons()
        self.picture.value = arriving_seeds(found, self.seeds.value)._repr_html_()
        self.words.value = f"<p>{html.escape(sentence(found[self.seeds.value - 2]))}</p>"

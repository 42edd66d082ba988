"""Choose a dataset, a graph and a pooling method, and see the clusters and the coarse graph."""

from __future__ import annotations

from collections.abc import Sequence

import ipywidgets

from rethinkpool_core import build_model, load_dataset, train
from rethinkpool_core.errors import RethinkPoolError
from rethinkpool_core.figures.clusters import cluster_view
from rethinkpool_core.widgets.failure import failure

EPOCHS = (0, 1, 5)


class ClusterExplorer(ipywidgets.VBox):
    """Controls and the picture of `figures.clusters.cluster_view`, which changes with every choice.

    datasets    names to choose from
    models      names to choose from
    seed        of weights, random assignments and training
    root        data folder; None for the usual one
    """

    def __init__(
        self, datasets: Sequence[str], models: Sequence[str], *, seed: int = 1, root: str | None = None
    ):
        self.seed, self.root = seed, root
        self.loaded, self.built = {}, {}
        self.dataset = ipywidgets.Dropdown(options=list(datasets), description="dataset")
        self.model = ipywidgets.Dropdown(options=list(models), description="method")
        self.number = ipywidgets.BoundedIntText(value=0, min=0, max=10**9, description="graph")
        self.epochs = ipywidgets.Dropdown(options=EPOCHS, description="trained for")
        self.picture = ipywidgets.HTML()
        for control in (self.dataset, self.model, self.number, self.epochs):
            control.observe(self.draw, names="value")
        first = ipywidgets.HBox([self.dataset, self.number])
        second = ipywidgets.HBox([self.model, self.epochs, ipywidgets.Label("epochs")])
        super().__init__([first, second, self.picture])
        self.draw()

    def draw(self, change=None) -> None:
        """Draw the picture of what is chosen; an error stands in its place."""
        try:
            data = self._data()
            self.number.max = data.store.num_graphs - 1  # a larger number becomes this one
            self.picture.value = cluster_view(self._model(), data, self.number.value)._repr_html_()
        except RethinkPoolError as error:
            self.picture.value = failure(error)

    def _data(self):
        name = self.dataset.value
        if name not in self.loaded:
            self.loaded[name] = load_dataset(name, root=self.root, split_seed=self.seed)
        return self.loaded[name]

    def _model(self):
        """The chosen model, trained once for each choice."""
        data, epochs = self._data(), self.epochs.value
        key = data.name, self.model.value, epochs
        if key not in self.built:
            model = build_model(self.model.value, data, seed=self.seed)
            if epochs:
                (run,) = train(model, data, [self.seed], max_epochs=epochs, progress=False)
                if run.error:
                    raise RethinkPoolError(run.error)
                model.load_state_dict(run.weights)
            self.built[key] = model
        return self.built[key]

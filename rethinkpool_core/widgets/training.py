"""Train a small model while its curve moves, with a button that stops it."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import ipywidgets

from rethinkpool_core import load_dataset, train
from rethinkpool_core.errors import RethinkPoolError
from rethinkpool_core.figures.live_curve import live_curve
from rethinkpool_core.training.report import EpochReport
from rethinkpool_core.widgets.failure import failure

SECONDS_PER_PICTURE = 0.3  # a fast epoch does not wait for its picture


class LiveTraining(ipywidgets.VBox):
    """Training in a thread of its own, so that the notebook stays usable.

    datasets, models    names to choose from
    max_epochs          the largest number of epochs to choose
    seed                of the training
    root                data folder; None for the usual one
    """

    def __init__(
        self,
        datasets: Sequence[str],
        models: Sequence[str],
        *,
        max_epochs: int = 100,
        seed: int = 1,
        root: str | None = None,
    ):
        self.seed, self.root = seed, root
        self.reports: list[EpochReport] = []
        self.thread: threading.Thread | None = None
        self.stopping = threading.Event()
        self.dataset = ipywidgets.Dropdown(options=list(datasets), description="dataset")
        self.model = ipywidgets.Dropdown(options=list(models), description="model")
        self.epochs = ipywidgets.BoundedIntText(
            value=min(30, max_epochs), min=1, max=max_epochs, description="epochs"
        )
        self.start_button = ipywidgets.Button(description="Train", button_style="primary")
        self.stop_button = ipywidgets.Button(description="Stop", disabled=True)
        self.start_button.on_click(lambda button: self.start())
        self.stop_button.on_click(lambda button: self.stop())
        self.status = ipywidgets.Label("Choose a model and press Train.")
        self.picture = ipywidgets.HTML()
        super().__init__(
            [
                ipywidgets.HBox([self.dataset, self.model, self.epochs]),
                ipywidgets.HBox([self.start_button, self.stop_button, self.status]),
                self.picture,
            ]
        )

    def start(self) -> None:
        """Train what is chosen; does nothing while a training is going on."""
        if self.thread is not None and self.thread.is_alive():
            return
        self.reports, self.drawn_at = [], 0.0
        self.stopping.clear()
        self.start_button.disabled, self.stop_button.disabled = True, False
        self.status.value = "Loading and building ..."
        chosen = self.dataset.value, self.model.value, self.epochs.value
        self.thread = threading.Thread(target=self._train, args=chosen, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """End the training with the epoch that it is in."""
        self.stopping.set()
        self.status.value = "Stopping after this epoch ..."

    def _train(self, dataset: str, model: str, epochs: int) -> None:
        try:
            data = load_dataset(dataset, root=self.root)

            def on_epoch(report: EpochReport) -> bool:
                self.reports.append(report)
                if time.monotonic() - self.drawn_at >= SECONDS_PER_PICTURE:
                    self._draw(f"{model} on {dataset}", data.spec.metric, epochs)
                return not self.stopping.is_set()

            (run,) = train(model, data, [self.seed], max_epochs=epochs, progress=False, on_epoch=on_epoch)
            self._draw(f"{model} on {dataset}", data.spec.metric, epochs)
            self.status.value = (
                f"Stopped after {run.epochs} epochs." if run.stopped else str(run.error or run)
            )
        except RethinkPoolError as error:
            self.status.value, self.picture.value = "Failed.", failure(error)
        finally:
            self.start_button.disabled, self.stop_button.disabled = False, True

    def _draw(self, title: str, metric: str, epochs: int) -> None:
        self.picture.value = live_curve(self.reports, title, metric, epochs)._repr_html_()
        self.status.value = f"Epoch {self.reports[-1].epoch if self.reports else 0} of {epochs}"
        self.drawn_at = time.monotonic()

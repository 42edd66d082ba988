"""Figures S2 to S13 from the committed activations, or the command that makes one that has not been run."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rethinkpool_core.analysis.activations import TracedRun, read_activations
from rethinkpool_core.datasets.spec import get_spec
from rethinkpool_core.errors import UnknownNameError
from rethinkpool_core.figures.embeddings import embedding_figure
from rethinkpool_core.paper.figures import EMBEDDING_FIGURES
from rethinkpool_core.paper.metrics import get_metric
from rethinkpool_core.site.notebooks import project_folder
from rethinkpool_core.site.tables import markdown

COMMITTED = "results/embeddings.safetensors"
"""Activations of the grid `embeddings`, written by ``rethinkpool results activations``."""


@dataclass(frozen=True)
class FigureOfPaper:
    """One of Figures S2 to S13 with where it comes from; without a run, the command that makes it."""

    number: str
    traced: TracedRun | None

    def _repr_html_(self) -> str:
        if self.traced is not None:
            return (
                embedding_figure(self.traced)._repr_html_()
                + f'<div class="provenance"><p>{_provenance(self.traced)}</p></div>'
            )
        model, dataset = EMBEDDING_FIGURES[self.number]
        command = f"rethinkpool grid embeddings --model {model} --dataset {dataset}"
        return (
            f"<p><strong>Not run yet.</strong> <code>{command}</code> trains the model, and "
            f" <code>rethinkpool results activations {COMMITTED}</code> writes its activations.</p>"
        )


def _provenance(traced: TracedRun) -> str:
    run = traced.run
    metric, score = get_metric(get_spec(run["dataset"]).metric), run.get("test_score")
    parts = [f"Seed {run['seed']}"]
    if score is not None:
        parts.append(f"test {metric.label} {metric.scale * score:.{metric.digits}f}")
    if run.get("commit"):
        parts.append(f"commit <code>{run['commit'][:12]}</code>")
    if run.get("command"):
        parts.append(f"<code>{html.escape(run['command'])}</code>")
    return ", ".join(parts) + "."


def committed_activations(path: Path | None = None) -> list[TracedRun]:
    """Return the committed activations, in the order of the paper's figures; none where nothing has been run.

    path    another file

    Raises StorageError for a file that cannot be read.
    """
    path = project_folder() / COMMITTED if path is None else path
    runs = read_activations(path) if path.exists() else []
    order = list(EMBEDDING_FIGURES.values())
    return sorted(runs, key=lambda one: order.index((one.run["model"], one.run["dataset"])))


def figure_of_paper(number: str, runs: Sequence[TracedRun]) -> FigureOfPaper:
    """Return Figure ``number`` ("S2" to "S13") from traced runs. Raises UnknownNameError."""
    if number not in EMBEDDING_FIGURES:
        raise UnknownNameError("figure", number, EMBEDDING_FIGURES)
    wanted = EMBEDDING_FIGURES[number]
    return FigureOfPaper(
        number, next((one for one in runs if (one.run["model"], one.run["dataset"]) == wanted), None)
    )


def spread_before_pooling(runs: Sequence[TracedRun]) -> str:
    """Return a Markdown list of the spread that the first pooling layer of each model meets, from the smallest to the largest."""
    found = []
    for traced in runs:
        names = [spread.layer for spread in traced.spreads]
        first = next((k for k, name in enumerate(names) if name.startswith(("pool", "memory"))), len(names))
        last = traced.spreads[first - 1]
        if first and last.mean is not None:
            found.append(
                (
                    last.mean,
                    f"- `{traced.run['model']}` on {traced.run['dataset']}: {last.mean:.2g} after {last.layer}",
                )
            )
    return "\n".join(line for _, line in sorted(found)) + "\n"


def spread_table(runs: Sequence[TracedRun]) -> str:
    """Return a Markdown table of the relative spread after each layer: mean ± standard deviation over the test graphs."""
    rows = []
    for traced in runs:
        for spread in traced.spreads:
            amount = "" if spread.mean is None else f"{spread.mean:.3g}"
            if amount and spread.std is not None:
                amount += f" ± {spread.std:.2g}"
            rows.append(
                [f"`{traced.run['model']}`", traced.run["dataset"], spread.layer, amount, spread.graphs]
            )
    return markdown(["model", "dataset", "layer", "relative spread", "graphs"], rows)

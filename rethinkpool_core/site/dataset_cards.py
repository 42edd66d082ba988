"""Cards of the datasets for the page "Dataset cards": a table of facts, sample graphs and the histogram of sizes of each."""

from __future__ import annotations

from pathlib import Path

from rethinkpool_core.analysis.rings import best_threshold, lag_agreement
from rethinkpool_core.datasets.counts import DatasetCounts, read_counts
from rethinkpool_core.datasets.sources.rings import lag_of, radius_of
from rethinkpool_core.datasets.spec import DATASETS, DatasetSpec
from rethinkpool_core.datasets.storage.layout import mirror_files
from rethinkpool_core.figures.datasets import size_histogram
from rethinkpool_core.figures.sample_graphs import draw_samples, read_samples
from rethinkpool_core.figures.svg import FigureRow
from rethinkpool_core.paper import get_metric
from rethinkpool_core.site.tables import FEATURES, TASKS, prose_table, raw_html

_SOURCES = {
    "tu": "[TU Dortmund](https://chrsmrrs.github.io/datasets/), as `{}`",
    "ogb": "[Open Graph Benchmark](https://ogb.stanford.edu/docs/graphprop/), as `{}`",
    "zinc": "[Benchmarking GNNs](https://github.com/graphdeeplearning/benchmarking-gnns), the subset of 12000 molecules of `{}`",
    "smnist": "[Benchmarking GNNs](https://github.com/graphdeeplearning/benchmarking-gnns), superpixels of `{}`",
    "digits": "[scikit-learn](https://scikit-learn.org/stable/datasets/toy_dataset.html), `{}`",
    "rings": "this package, with radius {}",
}
_SPLITS = {
    "stratified": "stratified 80/10/10, drawn from the seed of the run",
    "paired": "80/10/10 of the pairs, drawn from the seed of the run",
    "published": "the published one, the same for all seeds",
    "benchmark": "that of the benchmark, the same for all seeds",
}
_CONSTANT = {
    "accuracy": "the largest class",
    "rocauc": "the same score for every graph",
    "mae": "the median target",
}


def write_cards(folder: Path) -> None:
    """Write ``card-NAME.md`` for each named dataset from the committed counts and sample graphs (raises DataError)."""
    counts, samples = read_counts(), read_samples()
    for name, spec in DATASETS.items():
        if name in samples:
            drawn = raw_html(draw_samples(spec, samples[name])._repr_html_())
        else:
            drawn = f"Sample graphs are drawn once `rethinkpool data count {name}` has read the data.\n"
        parts = [drawn, _facts(spec, counts[name])]
        if len(counts[name].sizes) > 1:
            parts.append(raw_html(FigureRow([size_histogram(counts[name])])._repr_html_()))
        text = "\n".join(parts)
        (folder / f"card-{name.lower()}.md").write_text(text, encoding="utf-8")


def _facts(spec: DatasetSpec, counts: DatasetCounts) -> str:
    metric, statistics = get_metric(spec.metric), counts.statistics
    counted = "each direction counted separately" if spec.edges_counted == "directed" else "each counted once"
    parts = ", ".join(f"{size} {part}" for part, size in counts.split.items())
    fetch = "built in, no download" if not mirror_files(spec) else f"`rethinkpool data fetch {spec.name}`"
    header, *rows = [
        ("source", _SOURCES[spec.source].format(spec.upstream)),
        ("task", TASKS[spec.task].format(spec.num_classes)),
        (
            "metric",
            f"{metric.title}; predicting {_CONSTANT[spec.metric]} gives {metric.shown(counts.constant)} over all graphs",
        ),
        ("graphs", statistics["num_graphs"]),
        (
            "nodes per graph",
            f"mean {counts.mean_nodes:.1f}, median {counts.median_nodes}, largest graph {counts.max_nodes}",
        ),
        ("edges per graph", f"mean {statistics['avg_edges']:.1f}, {counted}"),
        *(_agreement(radius_of(spec)) if spec.source == "rings" else ()),
        ("node features", f"{FEATURES[spec.features]}: {_width(spec, counts)}"),
        ("split", f"{_SPLITS[spec.split]}: {parts}"),
        ("get it", fetch),
        ("licence", spec.licence),
        ("checksum", f"`{counts.checksum}`"),
    ]
    return prose_table(header, rows, sorts=False)


def _agreement(radius: int) -> list[tuple[str, str]]:
    shuffled, repeating = lag_agreement(radius)
    return [
        (
            f"same colour {lag_of(radius)} steps before",
            f"share of the nodes, mean ± SD over the graphs: class 1 {repeating.mean:.3f} ± {repeating.deviation:.3f}, "
            f"class 0 {shuffled.mean:.3f} ± {shuffled.deviation:.3f}; the best threshold on it is right for "
            f"{100 * best_threshold(radius):.1f} % of the graphs",
        )
    ]


def _width(spec: DatasetSpec, counts: DatasetCounts) -> str:
    if spec.features == "categorical":
        return f"{counts.num_features} categories per atom"
    occur = counts.statistics["num_node_labels"]
    width = f"{counts.num_features} column{'s' if counts.num_features > 1 else ''}"
    return f"{width}, of which {occur} occur" if occur not in (None, counts.num_features) else width

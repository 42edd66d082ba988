"""``rethinkpool results [NAME]``: results beside the published ones; ``results compact``: a store as one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from rethinkpool_core.commands.data import Root
from rethinkpool_core.commands.grid import Store, WithCommitted, grid_names
from rethinkpool_core.commands.modules import Modules
from rethinkpool_core.commands.output import check_writable, print_table, print_text
from rethinkpool_core.commands.values import known_spelling
from rethinkpool_core.errors import DataError, UsageError, needs_extra
from rethinkpool_core.files.folders import expand_home
from rethinkpool_core.models.modules import import_models
from rethinkpool_core.paper import METRICS

if TYPE_CHECKING:
    from rich.table import Table

    from rethinkpool_core.analysis.equivalence import Comparison
    from rethinkpool_core.analysis.tables import CellScore
    from rethinkpool_core.experiments.grids import Grid


class _TableByDefault(TyperGroup):
    """Group in which ``results table-s5`` means ``results show table-s5``."""

    def parse_args(self, ctx, args):
        asks_for_help = args[:1] and args[0] in ctx.help_option_names
        if not asks_for_help and (not args or args[0] not in self.commands):
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_TableByDefault,
    help="Show results beside the published ones. `results NAME` is short for `results show NAME`.",
)


@app.command("show")
def show_command(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Name of a grid, or a TOML file; by default all runs of the store.",
            autocompletion=grid_names,
        ),
    ] = None,
    store: Store = None,
    with_committed: WithCommitted = False,
    margin: Annotated[
        float | None,
        typer.Option(
            help="Margin of equivalence; default "
            + ", ".join(f"{m.amount(m.margin)} of {m.title}" for m in METRICS.values())
            + "."
        ),
    ] = None,
    alpha: Annotated[float, typer.Option(help="Significance level of the tests.")] = 0.05,
    module: Modules = None,
) -> None:
    """Print mean scores beside the published ones, then compare each method with its twin."""
    with needs_extra("experiments", "a table of results"):
        from rethinkpool_core.analysis.tables import cell_scores, comparisons, overall, settings_of
        from rethinkpool_core.experiments.frame import load_results
        from rethinkpool_core.experiments.store import store_folder

        import_models(module or ())
        grid = None if name is None else _grid(name)
        cells = None if grid is None else {cell.digest: cell.settings for cell in grid.cells}
        runs = load_results(store, cells=cells, with_committed=with_committed)
        if runs.empty:
            what = "run" if grid is None else f"run of {grid.name}"
            raise DataError(
                f"there is no {what} in {store_folder(store)}: run `rethinkpool grid {name or 'NAME'}`, name another folder with "
                "--store or, in a clone, give --with-committed"
            )
        settings = settings_of(runs) if cells is None else cells
        found = comparisons(runs, settings, margin=margin, alpha=alpha)
        scores = cell_scores(runs, settings)
    print_table(*scores_table(scores, grid))
    for table, keys in comparisons_tables(found):
        print_table(table, keys)
    from rethinkpool_core.analysis.sentences import sentence

    for one in found:
        print_text(sentence(one))
    print_text(overall(found))


@app.command("compact")
def compact_command(
    target: Annotated[Path, typer.Argument(metavar="FILE.parquet", help="The file to write.")],
    sources: Annotated[
        list[Path] | None,
        typer.Option(
            "--from",
            metavar="PATH",
            help="A store, a .parquet or a .jsonl file; may be repeated; by default the store.",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option("--grid", help="Only the runs of this grid.")] = None,
    store: Store = None,
) -> None:
    """Write the finished runs of a store to one small file."""
    target = check_writable(target)
    with needs_extra("experiments", "results compact"):
        from rethinkpool_core.experiments.compact import compact
        from rethinkpool_core.experiments.store import store_folder

        cells = None if name is None else _grid(name).digests
        count = compact([expand_home(one) for one in sources or [store_folder(store)]], target, cells)
    typer.echo(f"{count} runs in {target}, {target.stat().st_size / 1000:.0f} kB")


@app.command("activations")
def activations_command(
    target: Annotated[Path, typer.Argument(metavar="FILE.safetensors", help="The file to write.")],
    name: Annotated[
        str, typer.Option("--grid", help="The grid, one that keeps the weights of its runs.")
    ] = "embeddings",
    store: Store = None,
    root: Root = None,
) -> None:
    """Compute the activations of trained models on test graphs (Appendix E) and write them to one file."""
    target = check_writable(target)
    with needs_extra("experiments", "results activations"):
        from rethinkpool_core.analysis.activations import trace_store, write_activations
        from rethinkpool_core.experiments.store import ResultStore

        traced = trace_store(ResultStore(store), _grid_with_weights(name), root)
    write_activations(target, traced)
    typer.echo(f"{len(traced)} models in {target}, {target.stat().st_size / 1000:.0f} kB")


@app.command("smoothness")
def smoothness_command(
    target: Annotated[Path, typer.Argument(metavar="FILE.json", help="The file to write.")],
    name: Annotated[
        str | None,
        typer.Option(
            "--grid",
            help="Measure the trained models of this grid, from the store; by default untrained models on all datasets.",
        ),
    ] = None,
    store: Store = None,
    root: Root = None,
) -> None:
    """Measure how smooth the features are that MINCUTPOOL's first assignment sees, and write it to one file."""
    target = check_writable(target)
    with needs_extra("experiments", "results smoothness"):
        from rethinkpool_core.analysis.smoothest_direction import (
            measure_all,
            measure_trained,
            write_smoothness,
        )
        from rethinkpool_core.experiments.store import ResultStore

        found = (
            measure_all(root)
            if name is None
            else measure_trained(ResultStore(store), _grid_with_weights(name), root)
        )
    write_smoothness(target, found)
    typer.echo(f"{len(found)} rows in {target}")


def _grid_with_weights(name: str) -> Grid:
    grid = _grid(name)
    if not grid.keep_weights:
        raise UsageError(f"the grid {grid.name} keeps no weights: name one that does, such as embeddings")
    return grid


def _grid(name: str) -> Grid:
    from rethinkpool_core.experiments.run import find_grid

    return find_grid(known_spelling(name, grid_names()))


def scores_table(scores: list[CellScore], grid: Grid | None) -> tuple[Table, int]:
    """Table with a row per cell: mean and standard deviation, the published ones, and the difference of the means.

    Returned with the number of its key columns (`print_table`).
    """
    from rich.table import Table

    table = Table(title="all runs" if grid is None else f"{grid.name}: {grid.description}")
    keys = ["dataset", "model", *(["settings"] if any(score.settings for score in scores) else [])]
    columns = ["seeds", "test score"]
    if any(score.published for score in scores):
        columns += ["published", "difference / SD", "z (their SE)", "z (both SEs)"]
        table.caption = (
            "difference / SD: ours minus published, in published standard deviations; "
            "z: the same in standard errors of the published mean, and of both means"
        )
    for column in keys:
        table.add_column(column)
    for column in columns:
        table.add_column(column, justify="right")
    for score in scores:
        row = [
            *(getattr(score, key) for key in keys),
            f"{score.seeds}" + (f" ({score.failed} failed)" if score.failed else ""),
            mean_and_sd(score),
            str(score.published) if score.published else "",
            _signed(score.difference_in_sd),
            _signed(score.z_published),
            _signed(score.z_both),
        ]
        table.add_row(*row[: len(table.columns)])
    return table, len(keys)


def comparisons_tables(found: list[Comparison]) -> list[tuple[Table, int]]:
    """Tables of comparisons, one per pair of method and twin, with a row per dataset.

    Each is returned with the number of its key columns (`print_table`).
    """
    pairs: dict[tuple[str, str], list[Comparison]] = {}
    for one in found:
        pairs.setdefault((one.twin, one.method), []).append(one)
    tables = [_pair_table(part) for part in pairs.values()]
    if tables:
        tables[-1][
            0
        ].caption = "p: of the tests of difference and of equivalence; in brackets, adjusted after Holm"
    return tables


def _pair_table(found: list[Comparison]) -> tuple[Table, int]:
    from rich.table import Table

    from rethinkpool_core.analysis.sentences import decimals

    units = dict.fromkeys(
        f"{one.scored_by.unit}s" if one.scored_by.unit else "the target's unit" for one in found
    )
    table = Table(title=f"{found[0].twin} minus {found[0].method}, in {' or '.join(units)}")
    keys = ["dataset", *(["settings"] if any(one.settings for one in found) else [])]
    for column in keys:
        table.add_column(column)
    interval = f"{100 * (1 - found[0].alpha):g} % interval"
    for column in ("difference", interval, "detectable at 80 % power", "p (difference)", "p (equivalence)"):
        table.add_column(column, justify="right")
    table.add_column("verdict", no_wrap=True)
    for one in found:
        digits = decimals(one)
        row = [*(getattr(one, key) for key in keys), _signed(one.difference, digits)]
        if one.unadjusted is None:
            row += [""] * 4
        else:
            row += [
                f"{_signed(one.low, digits)} to {_signed(one.high, digits)}",
                f"{one.minimum_detectable_effect:.{digits}f}",
                f"{_p_value(one.unadjusted.p_difference)} ({_p_value(one.p_difference)})",
                f"{_p_value(one.unadjusted.p_equivalence)} ({_p_value(one.p_equivalence)})",
            ]
        table.add_row(*row, one.verdict)
    return table, len(keys)


def _p_value(number: float) -> str:
    return "<0.001" if number < 0.001 else f"{number:.3f}"


def _signed(number: float | None, digits: int = 1) -> str:
    return "" if number is None else f"{number:+z.{digits}f}"


def mean_and_sd(score: CellScore) -> str:
    """Mean and standard deviation as the paper prints them, ``69.8 ± 4.5``."""
    return score.shown or "-"

"""``rethinkpool results [NAME]``: the table so far beside the published one; ``results compact``: a store as one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperGroup

from rethinkpool_core.analysis.units import unit_of
from rethinkpool_core.commands.grid import Store, grid_names
from rethinkpool_core.commands.output import check_writable, print_table
from rethinkpool_core.errors import DataError, needs_extra

if TYPE_CHECKING:
    from rich.table import Table

    from rethinkpool_core.analysis.equivalence import Comparison
    from rethinkpool_core.analysis.tables import CellScore
    from rethinkpool_core.experiments.grids import Grid


class _TableByDefault(TyperGroup):
    """``results table-s5`` is ``results show table-s5``."""

    def parse_args(self, ctx, args):
        helps = {"--help"} & set(args[:1])
        if not helps and (not args or args[0] not in self.commands):
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(cls=_TableByDefault, help="Results beside the published ones, and what they show.")


@app.command("show")
def show_command(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]", help="A grid, or a TOML file; without one, all runs.", autocompletion=grid_names
        ),
    ] = None,
    store: Store = None,
    margin: Annotated[
        float | None,
        typer.Option(help="Of equivalence; default 1 point of accuracy or ROC-AUC, 0.01 of an error."),
    ] = None,
    alpha: Annotated[float, typer.Option(help="Level of the tests.")] = 0.05,
) -> None:
    """Print means beside the published ones, then each method against its twin, and what that shows."""
    with needs_extra("experiments", "a table of results"):
        from rethinkpool_core.analysis.tables import cell_scores, comparisons, overall, settings_of
        from rethinkpool_core.experiments.frame import load_results
        from rethinkpool_core.experiments.store import store_folder

        grid = None if name is None else _grid(name)
        cells = None if grid is None else {cell.digest: cell.settings for cell in grid.cells}
        runs = load_results(store, cells=cells)
        if runs.empty:
            what = "there is no run" if grid is None else f"no run of {grid.name} is there yet"
            advice = f"run `rethinkpool grid {name or 'NAME'}`, or name another folder with --store"
            raise DataError(f"{what} in {store_folder(store)}: {advice}")
        settings = settings_of(runs) if cells is None else cells
        found = comparisons(runs, settings, margin=margin, alpha=alpha)
        scores = cell_scores(runs, settings)
    print_table(scores_table(scores, grid))
    if found:
        print_table(comparisons_table(found))
    from rethinkpool_core.analysis.sentences import sentence

    for one in found:
        typer.echo(sentence(one))
    typer.echo(overall(found))


@app.command("compact")
def compact_command(
    target: Annotated[Path, typer.Argument(metavar="FILE.parquet", help="The file to write.")],
    sources: Annotated[
        list[Path] | None,
        typer.Option(
            "--from", help="A store, a .parquet or a .jsonl file; may be repeated; default the store."
        ),
    ] = None,
    name: Annotated[str | None, typer.Option("--grid", help="Only this grid's runs.")] = None,
    store: Store = None,
) -> None:
    """Fold finished runs into one small file."""
    check_writable(target)
    with needs_extra("experiments", "folding results"):
        from rethinkpool_core.experiments.frame import compact
        from rethinkpool_core.experiments.store import store_folder

        cells = None if name is None else [cell.digest for cell in _grid(name).cells]
        count = compact(list(sources or [store_folder(store)]), target, cells)
    typer.echo(f"{count} runs in {target}, {target.stat().st_size / 1000:.0f} kB")


def _grid(name: str) -> Grid:
    from rethinkpool_core.experiments.run import find_grid

    return find_grid(name)


def scores_table(scores: list[CellScore], grid: Grid | None) -> Table:
    """One row a cell; how far from the printed mean in printed deviations, in its standard errors, and in those of both."""
    from rich.table import Table

    table = Table(title="all runs" if grid is None else f"{grid.name}: {grid.about}")
    left = ["dataset", "model", *(["settings"] if any(score.settings for score in scores) else [])]
    for column in left:
        table.add_column(column)
    for column in ("seeds", "test score", "published", "apart in its std", "its errors", "both errors"):
        table.add_column(column, justify="right")
    for score in scores:
        table.add_row(
            *(getattr(score, column) for column in left),
            f"{score.seeds}" + (f" ({score.failed} failed)" if score.failed else ""),
            shown(score),
            str(score.printed) if score.printed else "",
            _signed(score.in_printed_std),
            _signed(score.in_printed_standard_errors),
            _signed(score.in_standard_errors),
        )
    return table


def comparisons_table(found: list[Comparison]) -> Table:
    """One row a pair; p-values of the pair alone and, in brackets, after Holm."""
    from rich.table import Table

    from rethinkpool_core.analysis.sentences import decimals

    table = Table(
        title="twin minus method, in points or units of the target; p-values alone and (after Holm)"
    )
    left = ["dataset", *(["settings"] if any(one.settings for one in found) else []), "method", "twin"]
    for column in left:
        table.add_column(column)
    for column in ("difference", "interval", "p, differ", "p, equivalent", "could have shown", "verdict"):
        table.add_column(column, justify="right")
    for one in found:
        digits = decimals(one)
        row = [*(getattr(one, column) for column in left), _signed(one.difference, digits)]
        if one.tests is None:
            row += [""] * 4
        else:
            row += [
                f"{_signed(one.low, digits)} to {_signed(one.high, digits)}",
                f"{one.tests.p_difference:.3f} ({one.p_difference:.3f})",
                f"{one.tests.p_equivalence:.3f} ({one.p_equivalence:.3f})",
                f"{one.detectable:.{digits}f}",
            ]
        table.add_row(*row, one.verdict)
    return table


def _signed(number: float | None, digits: int = 1) -> str:
    return "" if number is None else f"{number:+z.{digits}f}"


def shown(score: CellScore) -> str:
    """``69.8 ± 4.5``, as the paper prints them."""
    if score.mean is None:
        return "-"
    digits = unit_of(score.metric).digits
    return f"{score.mean:.{digits}f}" + ("" if score.std is None else f" ± {score.std:.{digits}f}")

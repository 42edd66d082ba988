"""The line under what a notebook computed while it ran: data, seed, device, versions, commit, and the command that repeats it."""

from __future__ import annotations

import html
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rethinkpool_core.experiments.repeat import seed_ranges
from rethinkpool_core.site.provenance import Provenance, device_text
from rethinkpool_core.site.results_csv import versions_text
from rethinkpool_core.training.device import resolve_device
from rethinkpool_core.training.provenance import provenance

if TYPE_CHECKING:
    from rethinkpool_core.datasets.dataset import GraphDataset


def seeds_text(seeds: int | Sequence[int]) -> str:
    """Return ``"seed 1"`` or ``"seeds 1-3"``."""
    several = [seeds] if isinstance(seeds, int) else sorted(seeds)
    return f"seed {several[0]}" if len(several) == 1 else f"seeds {seed_ranges(several)}"


def computed_here(
    notebook: str,
    dataset: GraphDataset,
    seeds: int | Sequence[int],
    device: str = "cpu",
    parameters: Mapping[str, object] | None = None,
) -> Provenance:
    """Describe what the notebook of this name has computed from ``dataset`` with ``seeds``, one or several.

    device        name of the device, as `train` takes it
    parameters    of the notebook, for the command
    """
    found = provenance(dataset, resolve_device(device))
    given = [f"-p {name} {shlex.quote(str(value))}" for name, value in (parameters or {}).items()]
    command = " ".join([f"rethinkpool notebook {notebook}", *given])
    facts = [
        f"computed when this page was built, {seeds_text(seeds)}",
        f"{html.escape(dataset.name)}, {dataset.store.num_graphs} graphs, checksum <code>{dataset.checksum[:12]}</code>",
        f"commit <code>{(found['commit'] or 'not known')[:9]}</code>",
        html.escape(device_text(found)),
        html.escape(versions_text(found)),
        f"repeat: <code>{html.escape(command)}</code>",
    ]
    return Provenance(f'<div class="provenance"><p>{" · ".join(facts)}</p></div>')

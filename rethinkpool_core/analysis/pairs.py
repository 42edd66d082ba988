"""Which models are compared: a method, and the same network with its pooling made random or turned around."""

from __future__ import annotations

from collections.abc import Iterable

TWINS: dict[str, tuple[str, ...]] = {
    "GRACLUS": ("COMPLEMENT",),
    "DIFFPOOL": tuple(f"{letter}-DIFFPOOL{form}" for form in ("", "-INV") for letter in ("U", "N", "B")),
    "DIFFPOOL-V2": ("N-DIFFPOOL-V2",),
    "MINCUTPOOL": ("N-MINCUTPOOL",),
    "GMN": ("DISTANCE-GMN", "RANDOM-GMN"),
}
CONTROL = "NO-POOL"


def pairs_among(models: Iterable[str]) -> list[tuple[str, str]]:
    """(method, twin) for all twins among ``models``, then (method, control) if the control is one of them."""
    models = set(models)
    twins = [
        (method, twin) for method, all_of in TWINS.items() for twin in all_of if {method, twin} <= models
    ]
    return twins + [(method, CONTROL) for method in TWINS if {method, CONTROL} <= models]

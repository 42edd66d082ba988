"""The figures of the paper's Appendix E: which model on which dataset each of them shows."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

EMBEDDING_FIGURES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "S2": ("GRACLUS", "NCI1"),
        "S3": ("COMPLEMENT", "NCI1"),
        "S4": ("GRACLUS", "MOLHIV"),
        "S5": ("COMPLEMENT", "MOLHIV"),
        "S6": ("GMN", "NCI1"),
        "S7": ("RANDOM-GMN", "NCI1"),
        "S8": ("GMN", "MOLHIV"),
        "S9": ("RANDOM-GMN", "MOLHIV"),
        "S10": ("DIFFPOOL", "NCI1"),
        "S11": ("N-DIFFPOOL", "NCI1"),
        "S12": ("DIFFPOOL", "MOLHIV"),
        "S13": ("N-DIFFPOOL", "MOLHIV"),
    }
)
"""Model and dataset by the number of the figure."""

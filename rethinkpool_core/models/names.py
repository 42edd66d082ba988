"""The names of the models, spelled as everywhere in the project (no heavy import here)."""

MODELS = (
    "GRACLUS",
    "COMPLEMENT",
    "NO-POOL",
    "DIFFPOOL",
    "U-DIFFPOOL",
    "N-DIFFPOOL",
    "B-DIFFPOOL",
    "U-DIFFPOOL-INV",
    "N-DIFFPOOL-INV",
    "B-DIFFPOOL-INV",
    "DIFFPOOL-V2",
    "N-DIFFPOOL-V2",
    "MINCUTPOOL",
    "N-MINCUTPOOL",
    "GMN",
    "DISTANCE-GMN",
    "RANDOM-GMN",
)

"""The names of the seventeen built-in models, which `builtin` registers; listing them needs no torch."""

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

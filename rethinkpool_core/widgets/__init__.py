"""Interactive widgets for notebooks, one per file; each has a static twin in `figures`, which the built book shows."""

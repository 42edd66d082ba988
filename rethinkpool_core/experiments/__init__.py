"""Grids of runs: what they consist of, where their results are stored, and how they are run."""

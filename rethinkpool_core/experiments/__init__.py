"""Grids of runs: what they are, where their results lie, and what runs them. Needs the extra ``experiments``."""

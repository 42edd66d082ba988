"""Matplotlib figures of datasets, runs and results."""

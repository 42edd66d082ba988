"""Ragged batches with fixed shapes."""

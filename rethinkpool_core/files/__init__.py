"""Atomic writes, and the folders in which data and results live."""

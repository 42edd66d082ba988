"""Graphs without features: adjacency matrices, matchings, coarsening, and the hash that keys random draws."""

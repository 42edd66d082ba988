"""Graphs as flat tensors, and the packed file that holds them."""

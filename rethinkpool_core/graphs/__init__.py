"""Structure without features: adjacency matrices, matchings, coarsening, hashing."""

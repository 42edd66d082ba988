"""How pooled graphs and the layers on them are computed; what they mean stands in `ops` and `models`."""

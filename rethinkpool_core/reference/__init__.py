"""The yardstick: the models as a user of PyG writes them for one seed, from stock layers, `DataLoader` and `torch.optim`.

Each is the same function as the package's model of that name; ``tests/reference/test_plain.py`` copies weights across and
compares. Nothing here is slow on purpose: where PyG offers two ways, the faster one on NCI1 was taken.
"""

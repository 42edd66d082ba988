"""Reference implementation: the models for one seed as a user of PyG would write them.

They use stock layers, `DataLoader` and `torch.optim`. Each computes the same function as the package's model of the same name:
``tests/reference/test_reference.py`` copies weights from one to the other and compares. It is the baseline of the benchmark. None
is slow on purpose: where PyG offers two ways, the faster one on NCI1 was taken.
"""

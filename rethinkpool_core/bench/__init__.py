"""How fast the package is compared with the same models in plain PyG (``rethinkpool_core.reference``)."""

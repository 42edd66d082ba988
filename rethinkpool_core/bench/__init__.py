"""How fast the package is, measured against the same models written the plain PyG way (``rethinkpool_core.reference``)."""

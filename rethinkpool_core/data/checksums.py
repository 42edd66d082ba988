"""SHA256 of the mirror files this package was tested with, by their path in a mirror."""

from __future__ import annotations

import hashlib
from pathlib import Path

from rethinkpool_core.errors import StorageError

KNOWN = {
    "SMNIST/superpixels.npz": "0c1030c692db6f21fd297b963c2d28b96de55d0ab2605ce4137ef83d77e771e0",
    "TUDataset/DD.zip": "034ec1310cf179ed139c8d6492813753165d255261afd0f0f5588be3a4520fc8",
    "TUDataset/IMDB-BINARY.zip": "c45f4148bbf2fc4f5f66b3ea16fa207e96f3cc4c04e726fb0ea6adc0fc4e83a9",
    "TUDataset/NCI1.zip": "c9532d4cbb061c1b5424807240ed1ddefdd994df1d3f7c21173e6e2aa92ad41e",
    "TUDataset/NCI109.zip": "82d9bf4fb37ae7c51c258e019a4e8852ce4ce919be602c56f70b2ae0051e5040",
    "TUDataset/PROTEINS.zip": "e1aa1cee6fe96937979d4447b694f05fe2d6689ab6f2e701a651c84f645a53de",
    "ZINC/molecules.zip": "db6c6ef7df98afc6c4e12592181ed6dee3119370c272d10cae261de847a371e7",
    "ZINC/test.index": "0757269a5c70c053c555cfeae9d6f936da9c9e4587d985b8d3c7b5229c5d265d",
    "ZINC/train.index": "6920f15b118e4b0e333876bb8454b9a8279099d255bd4431848d8e81ee809820",
    "ZINC/val.index": "0757269a5c70c053c555cfeae9d6f936da9c9e4587d985b8d3c7b5229c5d265d",
    "ogb/hiv.zip": "ea9bd3b4450770751db276826523337aef26341d62725ae57970c1672bfd8422",
}


def sha256(path: Path) -> str:
    """SHA256 of a file's content, hex (raises StorageError when it cannot be read)."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise StorageError(f"cannot read {path} ({error.strerror}): check its permissions") from error

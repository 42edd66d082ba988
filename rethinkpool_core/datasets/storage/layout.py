"""The files of a dataset: in a mirror, in the data folder, and packed. torch is not imported."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from rethinkpool_core.datasets.spec import DatasetSpec


def mirror_files(spec: DatasetSpec) -> tuple[str, ...]:
    """Return the files of a dataset in a mirror, relative to it; none for a built-in dataset."""
    return {
        "tu": (f"TUDataset/{spec.upstream}.zip",),
        "ogb": ("ogb/hiv.zip",),
        "zinc": ("ZINC/molecules.zip", "ZINC/train.index", "ZINC/val.index", "ZINC/test.index"),
        "smnist": ("SMNIST/superpixels.npz",),
        "digits": (),
        "rings": (),
    }[spec.source]


def raw_folder(spec: DatasetSpec, root: Path) -> Path:
    """Return the folder of the raw files, in the layout that the loader expects."""
    return {
        "tu": root / "TUDataset" / spec.upstream,
        "ogb": root / "ogb" / spec.upstream.replace("-", "_"),
        "zinc": root / "ZINC",
        "smnist": root / "SMNIST",
        "digits": root / "DIGITS",
        "rings": root / spec.name,
    }[spec.source]


def packed_file(spec: DatasetSpec, root: Path) -> Path:
    """Return the path of the packed store, beside the raw files."""
    folder = raw_folder(spec, root)
    return folder.with_name(f"{folder.name}.safetensors")


def is_present(spec: DatasetSpec, root: Path) -> bool:
    """Return whether the raw files are there (complete or not), or built in."""
    return not mirror_files(spec) or raw_folder(spec, root).is_dir()


def built_in_version(spec: DatasetSpec) -> str:
    """Return the version that stands for the raw files of a built-in dataset; empty for others."""
    package = {"digits": "scikit-learn", "rings": "numpy"}.get(spec.source)
    return f"{package} {version(package)}" if package else ""

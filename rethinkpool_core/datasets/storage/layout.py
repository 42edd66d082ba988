"""Which files make up a dataset: in a mirror, under the data root, and packed. torch is not imported."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from rethinkpool_core.datasets.spec import DatasetSpec


def mirror_files(spec: DatasetSpec) -> tuple[str, ...]:
    """The dataset's files in a mirror, relative to it; none for a built-in dataset."""
    return {
        "tu": (f"TUDataset/{spec.upstream}.zip",),
        "ogb": ("ogb/hiv.zip",),
        "zinc": ("ZINC/molecules.zip", "ZINC/train.index", "ZINC/val.index", "ZINC/test.index"),
        "smnist": ("SMNIST/superpixels.npz",),
        "digits": (),
    }[spec.source]


def raw_folder(spec: DatasetSpec, root: Path) -> Path:
    """Where the dataset's raw files live, in the layout its loader finds them in."""
    return {
        "tu": root / "TUDataset" / spec.upstream,
        "ogb": root / "ogb" / spec.upstream.replace("-", "_"),
        "zinc": root / "ZINC",
        "smnist": root / "SMNIST",
        "digits": root / "DIGITS",
    }[spec.source]


def packed_file(spec: DatasetSpec, root: Path) -> Path:
    """The dataset's packed store, beside its raw files."""
    folder = raw_folder(spec, root)
    return folder.with_name(f"{folder.name}.safetensors")


def is_present(spec: DatasetSpec, root: Path) -> bool:
    """Whether the dataset's raw files are there (complete or not), or built in."""
    return not mirror_files(spec) or raw_folder(spec, root).is_dir()


def built_in_version(spec: DatasetSpec) -> str:
    """What stands for the raw files of a built-in dataset, empty for the others."""
    return f"scikit-learn {version('scikit-learn')}" if spec.source == "digits" else ""

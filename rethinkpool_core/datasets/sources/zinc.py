"""ZINC's 12000-molecule subset (``<root>/ZINC/raw``), read by PyG's loader after a check of its pickles."""

from __future__ import annotations

import io
import pickle
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from rethinkpool_core.datasets.sources.source import processed_in, quiet
from rethinkpool_core.datasets.spec import DatasetSpec
from rethinkpool_core.datasets.storage.layout import mirror_files
from rethinkpool_core.datasets.storage.pack import pack
from rethinkpool_core.datasets.storage.packed import PARTS, Packed
from rethinkpool_core.errors import DataError
from rethinkpool_core.files.archive import unpack_folder

ATOM_TYPES = 28


def unpack(spec: DatasetSpec, mirror: Path, into: Path) -> None:
    archive, *indices = (mirror / name for name in mirror_files(spec))
    unpack_folder(archive, "molecules", into / "raw")
    for index in indices:
        shutil.copyfile(index, into / "raw" / index.name)
    _check_files(into / "raw")


def download(spec: DatasetSpec, into: Path) -> None:
    with quiet():
        from torch_geometric.datasets import ZINC

        processed_in(ZINC, into.parent / "loader")(root=str(into), subset=True)


def read(spec: DatasetSpec, folder: Path, scratch: Path) -> Packed:
    """Return the graphs of train, val and test in that order, without bond types, which no model uses."""
    _check_files(folder / "raw")
    for part in PARTS:
        _check_part(folder / "raw", part)
    with quiet():
        from torch_geometric.datasets import ZINC

        loader = processed_in(ZINC, scratch)
        parts = [loader(root=str(folder), subset=True, split=part) for part in PARTS]
    store = pack(
        torch.cat([part._data.x for part in parts]),
        torch.cat([part._data.edge_index for part in parts], dim=1),
        torch.cat([part._data.y.reshape(-1) for part in parts]),
        torch.cat([part.slices["x"].diff() for part in parts]),
        torch.cat([part.slices["edge_index"].diff() for part in parts]),
        where=spec.name,
    )
    indices = torch.arange(store.num_graphs).split([len(part) for part in parts])
    published = {name: index.clone() for name, index in zip(PARTS, indices, strict=True)}
    return Packed(store, "one_hot", ATOM_TYPES, published)


def _check_files(raw: Path) -> None:
    for part in PARTS:
        for kind in ("pickle", "index"):
            if not (raw / f"{part}.{kind}").is_file():
                raise DataError(
                    f"{raw} is not a complete ZINC set: {part}.{kind} is missing; fetch ZINC again"
                )


def _check_part(raw: Path, part: str) -> None:
    """Check one pickle and its index: PyG would run any code in the pickle, and trusts the index."""
    path = raw / f"{part}.pickle"
    try:
        with path.open("rb") as file, quiet():
            molecules = _MoleculeUnpickler(file).load()
        indices = [int(index) for index in (raw / f"{part}.index").read_text().strip().split(",")]
    except (
        pickle.UnpicklingError,
        EOFError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
        RuntimeError,
    ) as error:
        raise DataError(f"{path} or its index is damaged ({error}); fetch ZINC again") from None
    if not isinstance(molecules, list) or not all(isinstance(molecule, dict) for molecule in molecules):
        raise DataError(f"{path} is damaged: it is not a list of molecules; fetch ZINC again")
    outside = next((index for index in indices if not 0 <= index < len(molecules)), None)
    if outside is not None or len(set(indices)) != len(indices):
        wrong = "repeats a molecule" if outside is None else f"names molecule {outside} of {len(molecules)}"
        raise DataError(f"{raw / part}.index is damaged: it {wrong}; fetch ZINC again")
    for index in indices:
        if (problem := _molecule_problem(molecules[index])) is not None:
            raise DataError(f"{path} is damaged: molecule {index} {problem}; fetch ZINC again")


def _molecule_problem(molecule: dict[str, Any]) -> str | None:
    tensors = [molecule.get(key) for key in ("atom_type", "bond_type", "logP_SA_cycle_normalized")]
    if not all(isinstance(tensor, Tensor) for tensor in tensors):
        return "has no atom_type, bond_type or logP_SA_cycle_normalized"
    atoms, bonds, target = tensors
    n = atoms.numel()
    if n == 0 or bonds.shape != (n, n) or target.numel() != 1:
        return f"has {n} atoms, bonds of shape {tuple(bonds.shape)} and {target.numel()} targets"
    if int(atoms.max()) >= ATOM_TYPES or int(atoms.min()) < 0:
        return f"has an atom type outside 0 to {ATOM_TYPES - 1}"
    return None


class _MoleculeUnpickler(pickle.Unpickler):
    """Unpickler of tensors and containers that refuses every other name, so that no code can run."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("torch.storage", "_load_from_bytes"):
            return lambda content: torch.load(io.BytesIO(content), weights_only=True)
        if (module, name) in {("torch._utils", "_rebuild_tensor_v2"), ("collections", "OrderedDict")}:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no molecule needs")

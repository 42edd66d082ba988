"""A script of test_killed.py: it imports torch once and trains in forked children, which the test kills.

It reads a job per line, as JSON, and prints the process id of the child and then its exit code.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace


def dataset_of(job):
    from rethinkpool_core import load_dataset
    from rethinkpool_core.datasets.storage.store import GraphStore

    whole, n = load_dataset("DIGITS", job["root"]), job["graphs"]
    store, nodes, edges = whole.store, whole.store.node_offsets[n], whole.store.edge_offsets[n]
    store = GraphStore(
        store.x[:nodes],
        store.edge_index[:, :edges],
        None,
        store.y[:n],
        store.node_offsets[: n + 1],
        store.edge_offsets[: n + 1],
    )
    return replace(whole, store=store, checksum=store.digest())


def train_one(job) -> int:
    from rethinkpool_core import build_model
    from rethinkpool_core.training import train

    dataset = dataset_of(job)
    model = build_model(job["name"], dataset, **job["model"]).double()
    records = train(
        model,
        dataset,
        job["seeds"],
        checkpoint_dir=job["checkpoint_dir"],
        device="cpu",
        progress=False,
        **job["options"],
    )
    with open(job["out"], "w") as file:
        json.dump([record.to_dict() for record in records], file)
    return 0


def main() -> None:
    import torch

    import rethinkpool_core.training.trainer  # noqa: F401 - once, not in every child
    from rethinkpool_core.training.provenance import commit

    torch.set_num_threads(1)
    commit()  # asks git once, not in every child
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                try:
                    code = train_one(json.loads(line))
                except KeyboardInterrupt:
                    code = 130
                sys.stderr.flush()
            except KeyboardInterrupt:
                pass  # the signal came after the end of the training
            finally:
                os._exit(code)
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()

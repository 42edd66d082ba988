"""Random numbers as a function of what they are for.

The stream of a generator depends on everything drawn before; a hash of (seed, epoch, graph, node) does not. So what a model
draws for a node is the same on every device, in every batch, beside any number of other replicas, and after a restart.
"""

from __future__ import annotations

import torch
from torch import Tensor


def _signed(x: int) -> int:
    return x - 2**64 if x >= 2**63 else x


_STEP = _signed(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = _signed(0xBF58476D1CE4E5B9), _signed(0x94D049BB133111EB)


def _shift(x: Tensor, bits: int) -> Tensor:
    """Shift to the right and fill with zeros (torch's own shift keeps the sign)."""
    return (x >> bits) & ((1 << (64 - bits)) - 1)


def hash64(*parts: Tensor | int, after: Tensor | int = 0) -> Tensor:
    """Return 64 well-mixed bits (int64) for each sequence of integers: SplitMix64's finaliser over a running sum.

    parts  integers of the sequence, which broadcast
    after  the hash of the parts before these: hash64(a, b, c) = hash64(b, c, after=hash64(a))
    """
    device = next(
        (part.device for part in (*parts, after) if isinstance(part, Tensor) and part.device.type != "cpu"),
        "cpu",
    )
    state = torch.as_tensor(after, dtype=torch.int64, device=device)
    for part in parts:
        state = (state + part) * _MIX_1 + _STEP
        state = (state ^ _shift(state, 30)) * _MIX_1
        state = (state ^ _shift(state, 27)) * _MIX_2
        state = state ^ _shift(state, 31)
    return state


def seed_of(*parts: int) -> int:
    """Return a non-negative seed for a `torch.Generator` from integers."""
    return int(_shift(hash64(*(torch.tensor(part) for part in parts)), 1))

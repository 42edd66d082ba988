"""Matrices as small PNG images: one pixel per entry, in the colours of a perceptually uniform scale."""

from __future__ import annotations

import base64
import struct
import zlib
from functools import cache

import numpy as np

LEVELS = 48
"""Colours of a heat map: steps too small to see, and a third less to store than with 256."""


def heat_map(values: np.ndarray) -> str:
    """Return the data URI of a PNG with one pixel per entry of ``values`` (rows, columns), dark for the smallest one.

    Every matrix has its own scale, from its smallest to its largest finite entry. A constant matrix has one colour, entries that
    are not finite are transparent.
    """
    finite = np.isfinite(values)
    low, high = (values[finite].min(), values[finite].max()) if finite.any() else (0.0, 0.0)
    shares = np.where(finite, values - low, 0) / (high - low if high > low else 1)
    indices = np.minimum((shares * LEVELS).astype(np.uint8), LEVELS - 1)
    indices[~finite] = LEVELS
    return "data:image/png;base64," + base64.b64encode(_palette_png(indices)).decode("ascii")


def _palette_png(indices: np.ndarray) -> bytes:
    """Return a PNG of palette indices (rows, columns) uint8; index `LEVELS` is transparent."""
    rows, columns = indices.shape
    lines = np.concatenate([np.zeros((rows, 1), np.uint8), indices], axis=1)  # filter 0 before each line
    header = struct.pack(">IIBBBBB", columns, rows, 8, 3, 0, 0, 0)  # 8 bits per pixel, with a palette
    parts = [(b"IHDR", header), (b"PLTE", _palette())]
    if (indices == LEVELS).any():
        parts.append((b"tRNS", b"\xff" * LEVELS + b"\x00"))
    parts += [(b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


@cache
def _palette() -> bytes:
    import matplotlib

    colours = matplotlib.colormaps["viridis"](np.linspace(0, 1, LEVELS))[:, :3]
    return (255 * colours).round().astype(np.uint8).tobytes() + b"\x00\x00\x00"

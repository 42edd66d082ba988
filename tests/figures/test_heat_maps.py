"""Heat maps as Pillow reads them."""

from __future__ import annotations

import base64
import io

import matplotlib
import numpy as np
import pytest
from PIL import Image

from rethinkpool_core.figures.heat_maps import LEVELS, heat_map


def pixels(values: np.ndarray) -> np.ndarray:
    """The colours of the image, (rows, columns, 4)."""
    kind, data = heat_map(values).split(",")
    assert kind == "data:image/png;base64"
    return np.array(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA"))


def test_colours_are_those_of_matplotlib_within_a_step():
    values = np.linspace(-3, 5, 35).reshape(5, 7)
    expected = 255 * matplotlib.colormaps["viridis"]((values + 3) / 8)
    found = pixels(values)
    assert found.shape == (5, 7, 4)
    assert np.abs(found - expected).max() < 255 * 3 / LEVELS


@pytest.mark.parametrize(("scale", "shift"), [(1e-9, 0), (1e9, 0), (1, 1e6)])
def test_every_matrix_has_its_own_scale(scale, shift):
    values = np.arange(12.0).reshape(3, 4)
    assert np.array_equal(pixels(values), pixels(scale * values + shift))


def test_constant_matrix_has_one_colour():
    assert len(np.unique(pixels(np.full((3, 4), 2.5)).reshape(-1, 4), axis=0)) == 1


def test_entries_that_are_not_finite_are_transparent():
    found = pixels(np.array([[0.0, np.nan], [np.inf, 1.0]]))
    assert found[..., 3].tolist() == [[255, 0], [0, 255]]
    assert np.array_equal(found[0, 0], pixels(np.array([[0.0, 1.0]]))[0, 0])

"""The figures of Appendix D hold the losses they are given."""

from __future__ import annotations

import re

import numpy as np

from rethinkpool_core.figures.keys import loss_lines, loss_surface


def test_lines_hold_the_losses_and_their_names(drawn):
    steps = np.linspace(-1, 2, 4)
    figure = loss_lines(steps, {"initial": np.array([4.0, 1, 0, 1]), "trained": np.array([2.0, 1, 0, 3])})
    lines = [arguments for name, arguments in drawn if name == "plot" and len(arguments) == 2]
    assert [values.tolist() for _, values in lines] == [[4, 1, 0, 1], [2, 1, 0, 3]]
    assert "from initial" in figure.svg and "from trained" in figure.svg


def test_surface_is_one_image_with_named_points():
    xs, ys = np.linspace(0, 1, 6), np.linspace(0, 2, 5)
    losses = np.add.outer(ys, xs)
    figure = loss_surface(
        xs, ys, losses, {"initial": (1.0, 0.0), "trained": (0.9, 1.0), "collapsed": (0.0, 0.0)}
    )
    assert len(re.findall("data:image/png", figure.svg)) <= 2  # the surface, and the colours of its scale
    assert "plane through initial, trained and collapsed keys" in figure.caption
    assert len(figure.svg) < 150_000

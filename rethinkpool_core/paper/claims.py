"""The claims of the paper's appendix, one sentence each in this project's words."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """A statement that a reader can check.

    where     the section of the supplementary that makes it
    evidence  the numbers or the figure it rests on
    """

    key: str
    text: str
    where: str
    evidence: str


CLAIMS: tuple[Claim, ...] = (
    Claim(
        "twins",
        "Replacing the learned assignment of a pooling layer by a random one costs little or no accuracy.",
        "Appendix B, Results",
        "Table S5",
    ),
    Claim(
        "smnist",
        "SMNIST with MINCUTPOOL is the exception: with one convolution before the first pooling the learned "
        "assignment is clearly better, and a second initial convolution closes the gap.",
        "Appendix B, Results",
        "Table S5 (89.3 against 82.0)",
    ),
    Claim(
        "unsupervised",
        "Updating GMN's keys more often with the unsupervised loss does not lower the validation loss.",
        "Appendix B, Unsupervised loss of GMNs",
        "Figure S1",
    ),
    Claim(
        "invariant-diffpool",
        "Randomised DIFFPOOL is permutation invariant when its random matrix multiplies the node features.",
        "Appendix C.2",
        "Theorem 1",
    ),
    Claim(
        "invariant-gmn",
        "GMN with distances for its kernel is permutation invariant if its query network is equivariant.",
        "Appendix C.3",
        "Theorem 2",
    ),
    Claim(
        "graclus",
        "GRACLUS is not permutation invariant, because its matching depends on where it starts.",
        "Appendix C.1",
        "Remark 3",
    ),
    Claim(
        "identical-keys",
        "Identical keys, which assign every node uniformly, minimise GMN's unsupervised loss perfectly.",
        "Appendix D",
        "the loss is exactly 0",
    ),
    Claim(
        "smooth",
        "Node features are already nearly constant over a graph after the first layers.",
        "Appendix E",
        "Figures S2-S13",
    ),
)

"""Tables of the page "When pooling matters" on reach: what two readings of SMNIST predict, and what the runs show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rethinkpool_core.analysis.reach import (
    CONTROL,
    METHOD,
    MODELS,
    NUMBERS,
    TWIN,
    ReachTest,
    reach_scores,
    reach_tests,
)
from rethinkpool_core.site.table_s5 import difference_text, unbroken
from rethinkpool_core.site.tables import markdown

if TYPE_CHECKING:
    import pandas as pd

NO_WORSE, WORSE, SAME, MORE = "no worse", "worse", "as much", "more"
EXPECTED: dict[tuple[str, int], tuple[str, str]] = {
    ("gap", 1): (WORSE, WORSE),
    ("gap", 2): (NO_WORSE, NO_WORSE),
    ("gap", 3): (NO_WORSE, NO_WORSE),
    ("control", 1): (NO_WORSE, WORSE),
    ("control", 2): (NO_WORSE, NO_WORSE),
    ("control", 3): (NO_WORSE, NO_WORSE),
    ("gain", 2): (SAME, MORE),
}
"""What is expected of the twin if reach explains SMNIST, and if smoothness does, written before any run of the grid."""


def scores_table(runs: pd.DataFrame, dataset: str) -> str:
    """Markdown table of mean and standard deviation, a row per number of convolutions."""
    scores = reach_scores(runs, dataset)
    rows = []
    for number in NUMBERS:
        row = [scores.get((model, number)) for model in MODELS]
        counts = dict.fromkeys(str(score.seeds) for score in row if score is not None)
        shown = ["not run yet" if score is None else score.shown for score in row]
        rows.append([number, *shown, " and ".join(counts)])
    return unbroken(markdown(["convolutions", *(f"`{model}`" for model in MODELS), "seeds"], rows))


def questions_table(runs: pd.DataFrame, dataset: str) -> str:
    """Markdown table of what both readings expect of the twin and what was found, a row per question."""
    found = {(one.question, one.number): one for one in reach_tests(runs, dataset)}
    rows = []
    for key, expected in EXPECTED.items():
        one = found.get(key)
        rest = ["not run yet", ""] if one is None else [difference_text(one.comparison), outcome(one)]
        rows.append([_asked(*key), *expected, *rest])
    header = [f"`{TWIN}`", "if it is reach", "if it is smoothness", "difference", "found"]
    return unbroken(markdown(header, rows))


def readings_text(runs: pd.DataFrame, dataset: str) -> str:
    """For each reading, how many of its predictions came true of those that the runs decide, and which did not."""
    decided = {
        (one.question, one.number): said
        for one in reach_tests(runs, dataset)
        if (said := outcome(one)) != "undecided"
    }
    if not decided:
        return ""
    lines = []
    for number, reading in enumerate(("reach", "smoothness")):
        wrong = [
            f"{_asked(*key)}: expected *{EXPECTED[key][number]}*, found *{said}*"
            for key, said in decided.items()
            if not _is(said, EXPECTED[key][number])
        ]
        right = len(decided) - len(wrong)
        text = f"- If it is {reading}: {right} of the {len(decided)} predictions that these seeds decide came true."
        lines.append(text + (f" Wrong: {'; '.join(wrong)}." if wrong else ""))
    return "\n".join(lines) + "\n"


def _is(said: str, expected: str) -> bool:
    """Whether a prediction came true; a twin that is better is no worse."""
    return said == expected or (said, expected) == ("better", NO_WORSE)


def _asked(question: str, number: int) -> str:
    if question == "gain":
        return f"gains from a second convolution, against `{CONTROL}`"
    convolutions = "1 convolution" if number == 1 else f"{number} convolutions"
    return f"with {convolutions}, against `{METHOD if question == 'gap' else CONTROL}`"


def outcome(test: ReachTest) -> str:
    """Return what the adjusted tests show of the twin, in the words of `EXPECTED`.

    Equivalence is shown for ``"no worse"`` and ``"as much"``. A twin that is shown to be better is no worse either.
    """
    one, gain = test.comparison, test.question == "gain"
    if one.verdict == "undecided":
        return "undecided"
    if one.verdict in ("equivalent", "different within the margin"):
        return SAME if gain else NO_WORSE
    if one.difference > 0:
        return MORE if gain else "better"
    return "less" if gain else WORSE

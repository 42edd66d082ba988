"""What the page "Collapsed assignments" says of DIFFPOOL-V2."""

from __future__ import annotations

from rethinkpool_core.analysis.hard_assignments import HardAssignment
from rethinkpool_core.site.hard_assignments import hard_assignments_table, hard_assignments_text
from rethinkpool_core.site.table_s5 import committed_runs, load_table_s5


def test_a_row_per_dataset():
    found = [
        HardAssignment("NCI1", (12,), (0.0, 0.02), (0.4, 0.6)),
        HardAssignment("ZINC", (10, 3), (0.1,), None),
    ]
    table = hard_assignments_table(found, []).replace("\u00a0", " ")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()[2:]]
    assert rows[0] == [
        "`NCI1`",
        "2",
        "1.00 % (0.00 to 2.00)",
        "50 % (40 to 60)",
        "4.0 of 12",
        "not run yet",
        "",
    ]
    assert rows[1][:5] == ["`ZINC`", "1", "10.00 % (10.00 to 10.00)", "two layers", ""]


def test_committed_runs_have_the_verdicts_of_table_s5():
    runs = committed_runs()
    text = hard_assignments_text(runs)
    verdicts = {one.dataset: one.verdict for one in load_table_s5(runs).ours if one.method == "DIFFPOOL-V2"}
    assert verdicts and all(
        any(
            line.startswith(f"| `{dataset}`") and line.endswith(f"| {verdict} |")
            for line in text.splitlines()
        )
        for dataset, verdict in verdicts.items()
    )
    assert "rethinkpool grid table-s5" in text

"""The rows of definitions, on few nodes: they run, prove that both sides did the same, and show growth."""

import pytest

from sbkernel.bench import definitions, manynodes
from sbkernel.bench.workspace import workspace
from sbkernel.definitions.stanza import parse


def test_rows_are_comparisons_of_the_same_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definitions, "SIZES", (5, 50))
    with workspace([].append, runs=1) as work:
        rows = {row.name: row for row in definitions.rows(work)}
    assert [name for name, row in rows.items() if not row.valid] == []
    assert {"mkdef 5", "lsdef of one 50", "noderange 50", "growth mkdef", "growth lsdef -l"} <= rows.keys()
    assert rows["growth mkdef"].goal == definitions.GROWTH


def test_both_sides_get_the_same_nodes() -> None:
    stanzas = parse(manynodes.stanza_text(300))
    assert stanzas == list(manynodes.nodes(300))
    assert len({one.values["mac"] for one in stanzas}) == len({one.values["bmc"] for one in stanzas}) == 300
    assert len(manynodes.row_lines(300).splitlines()) == 300

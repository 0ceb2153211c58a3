"""The CSV of tables: what is written is read back; no bytes make the reader fall over."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.definitions.xcattables import csvtext, meanings, rows
from sbkernel.definitions.xcattables.columns import TABLES
from sbkernel.errors import DefinitionError

COLUMNS = ("key", "value", "comments", "disable")
# A reader strips what is blank at the end of a line, also inside a quoted value that goes on.
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]) | st.sampled_from(' ,"#')).map(str.strip)


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, VALUES))))
def test_rows_come_back(rows: list[dict[str, str]]) -> None:
    lines = list(csvtext.render(COLUMNS, rows))
    assert csvtext.columns_of(lines[0]) == list(COLUMNS)
    records = list(csvtext.records(lines[1:], len(COLUMNS)))
    assert [record.fault for record in records] == [""] * len(rows)
    assert [dict(zip(COLUMNS, record.fields, strict=True)) for record in records] == rows


@given(st.text(st.sampled_from('a",\n \\#é\x00')), st.integers(1, 4))
def test_any_text_is_read_to_its_end(text: str, width: int) -> None:
    lines = text.split("\n")
    records = list(csvtext.records(lines, width))
    assert records[-1].number >= len(lines) - 1
    assert all(len(record.fields) == width or record.fault for record in records)


def test_a_value_of_several_lines() -> None:
    (record,) = csvtext.records(['a,"one', "two", '""three"""', ""][:3], 2)
    assert record == (2, 'a,"one', ("a", 'one\ntwo\n"three"'), "")


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [("abc", "a%", True), ("ABC", "a_c", True), ("a.c", "a_c", True), ("abc", "b", False), ("Ä", "ä", False)],
)
def test_like(text: str, pattern: str, expected: bool) -> None:
    assert rows.is_like(text, pattern) is expected


@given(st.text())
def test_conditions_never_crash(text: str) -> None:
    try:
        conditions = rows.conditions([text], TABLES["site"])
    except DefinitionError:
        return
    assert conditions[0].holds({conditions[0].column: "x"}) in (True, False)


def test_every_table_and_column_means_something() -> None:
    assert all(len(text) > 4 for text in meanings.of_tables().values())
    for table in TABLES.values():
        for column, text in meanings.of_columns(table).items():
            assert text != f"{column}.", f"{table.name}.{column}"

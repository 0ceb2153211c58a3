"""Parameters are what the notebook declares, whatever papermill would make of them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.errors import RecordError
from sbkernel.records import parameters
from sbkernel.records.parameters import Parameter, as_text, find, from_text, validate

KNOWN = {
    "image": Parameter("image", "str", '"compute"', "osimage to build"),
    "force": Parameter("force", "bool", "False", ""),
    "count": Parameter("count", "int", "3", ""),
    "share": Parameter("share", "float", "0.5", ""),
    "nodes": Parameter("nodes", "list[str]", "[]", ""),
    "sizes": Parameter("sizes", "dict[str, int]", "{}", ""),
    "any": Parameter("any", "None", "None", ""),
}


def test_declared_reads_types_defaults_and_comments(notebook: Callable[..., Path]) -> None:
    found = parameters.declared(notebook())
    assert list(found) == ["image", "force", "count", "nodes"]
    assert found["image"] == KNOWN["image"]
    assert found["nodes"].value == []


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("image", "0012", "0012"),
        ("image", "true", "true"),
        ("force", "false", False),
        ("force", "Yes", True),
        ("count", "12", 12),
        ("share", "1", 1.0),
        ("nodes", "n1, n2", ["n1", "n2"]),
        ("nodes", "[n1]", ["n1"]),
        ("sizes", "{a: 1}", {"a": 1}),
        ("any", "x", "x"),
    ],
)
def test_text_is_read_as_its_type(name: str, text: str, value: object) -> None:
    assert validate(KNOWN, {name: from_text(KNOWN[name], text)}) == {name: value}


@pytest.mark.parametrize(
    ("name", "text"), [("force", "maybe"), ("count", "1.5"), ("share", "half"), ("nodes", "[n1"), ("sizes", "{a: b}")]
)
def test_text_that_is_not_of_its_type_is_refused(name: str, text: str) -> None:
    with pytest.raises(RecordError, match=f"parameter {name} must be"):
        validate(KNOWN, {name: from_text(KNOWN[name], text)})


@pytest.mark.parametrize(
    ("name", "value"),
    [("force", "false"), ("force", 1), ("image", 12), ("count", "3"), ("count", True), ("nodes", ["a", 1])],
)
def test_values_are_not_bent_to_fit(name: str, value: object) -> None:
    with pytest.raises(RecordError, match=f"parameter {name} must be"):
        validate(KNOWN, {name: value})


def test_an_unknown_name_is_refused_with_those_near() -> None:
    with pytest.raises(RecordError, match="no parameter 'imge'") as caught:
        find(KNOWN, "imge")
    assert caught.value.hint == "Did you mean image?"


@given(st.text())
def test_any_text_is_a_string_or_refused(text: str) -> None:
    assert from_text(KNOWN["image"], text) == text
    for name in ("force", "count", "share", "nodes", "sizes"):
        try:
            validate(KNOWN, {name: from_text(KNOWN[name], text)})
        except RecordError as error:
            assert name in error.message


@given(
    st.text()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.lists(st.text())
    | st.dictionaries(st.text(), st.integers())
)
def test_a_value_as_text_is_read_as_itself(value: object) -> None:
    kind = {list: "list[str]", dict: "dict[str, int]"}.get(type(value), type(value).__name__)
    parameter = Parameter("x", kind, "", "")
    assert from_text(parameter, as_text(value)) == value

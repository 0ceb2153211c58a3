"""Stanza text, selection strings, edits of comma lists."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sbkernel.definitions import select, stanza
from sbkernel.definitions.objectverbs import newvalues
from sbkernel.definitions.stanza import Stanza
from sbkernel.errors import DefinitionError

EXAMPLE = """\
# lab images
ignored=before the first header
default-osimage:
    imagetype=linux
    osname=Linux

lab-compute:
    objtype=osimage
    osvers=rocky9.4

    # inside
    addkcmdline=quiet mitigations=off
    usercomment="todo:"

n01:
\tobjtype=node
  groups = all,compute
    nicips.eth0=10.0.0.11
lab-compute:
    osvers=rocky9.5
"""


def test_reference_example() -> None:
    assert stanza.parse(EXAMPLE) == [
        Stanza("osimage", "lab-compute", {
            "imagetype": "linux", "osname": "Linux", "osvers": "rocky9.5",
            "addkcmdline": "quiet mitigations=off", "usercomment": "todo:",
        }),
        Stanza("node", "n01", {"groups": "all,compute", "nicips.eth0": "10.0.0.11"}),
    ]  # fmt: skip


def test_value_that_ends_in_a_colon_is_kept() -> None:
    assert stanza.parse("n1:\n objtype=node\n usercomment=todo:\n mgt=ipmi\n")[0].values == {
        "usercomment": "todo:",
        "mgt": "ipmi",
    }


def test_defaults_overwrite_what_stands_before_objtype_and_can_be_reset() -> None:
    text = "default-node:\n mgt=ipmi\nn1:\n mgt=kvm\n objtype=node\ndefault-node:\n mgt=\nn2:\n objtype=node\n"
    assert [one.values for one in stanza.parse(text)] == [{"mgt": "ipmi"}, {"mgt": ""}]


def test_what_xcat_drops_in_silence_is_remarked_with_its_line() -> None:
    read = stanza.read("lost=1\nn1:\n objtype=node\n mgt=ipmi\n nonsense\n bmc=n1b\n ip=10.0.0.1\nn2:\n objtype=node\n")
    assert read.stanzas == [Stanza("node", "n1", {"mgt": "ipmi"}), Stanza("node", "n2", {})]
    assert read.remarks == [
        (1, "lost stands before the first header, and is left out"),
        (5, "'nonsense' is neither a header nor an attribute; it and all to line 7 is left out"),
    ]


def test_an_object_without_a_type_is_an_error_at_its_line() -> None:
    with pytest.raises(DefinitionError) as caught:
        stanza.parse("\nn1:\n mgt=ipmi\n", "stdin")
    said = "No objtype value was specified for 'n1'.\n  stdin:2: a line such as objtype=osimage is missing."
    assert str(caught.value) == said


def test_a_node_and_a_group_of_one_name_are_two_objects() -> None:
    text = "a:\n objtype=group\n mgt=ipmi\na:\n objtype=node\n groups=a\na:\n objtype=group\n os=x\n"
    read = stanza.read(text)
    assert read.stanzas == [Stanza("group", "a", {"mgt": "ipmi", "os": "x"}), Stanza("node", "a", {"groups": "a"})]
    assert read.places["node", "a"] == (4, {"objtype": 5, "groups": 6})


def test_what_is_replaced_is_remarked_with_its_line() -> None:
    text = (
        "default-node:\n mgt=kvm\nn1:\n os=a\n mgt=ipmi\n objtype=node\n os=a\n os=b\n"
        "n2:\n objtype=node\nn1:\n arch=x\n os=c\n"
    )
    read = stanza.read(text)
    assert read.stanzas[0] == Stanza("node", "n1", {"os": "c", "mgt": "kvm", "arch": "x"})
    assert read.remarks == [
        (6, "mgt of 'n1' replaces what line 5 says"),
        (8, "os of 'n1' replaces what line 7 says"),
        (13, "os of 'n1' replaces what line 8 says"),
    ]


@pytest.mark.parametrize("line", [":", "=x", " = ", "n1", "Object name: n1"])
def test_a_line_without_a_name_is_neither_header_nor_attribute(line: str) -> None:
    read = stanza.read(f"n1:\n objtype=node\n{line}\n mgt=ipmi\n")
    assert read.stanzas == [Stanza("node", "n1", {})]
    assert [remark.line for remark in read.remarks] == [3]


def test_an_object_may_be_called_as_defaults_are() -> None:
    one = Stanza("osimage", "default-compute", {"profile": "x"})
    assert stanza.parse(stanza.render([one])) == [one]
    assert stanza.parse("default-node:\n objtype=node\n mgt=kvm\nn1:\n objtype=node\n")[0].values == {"mgt": "kvm"}


NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,9}", fullmatch=True).filter(lambda name: "default-" not in name)
VALUES = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=12)
ATTRIBUTES = st.dictionaries(st.from_regex(r"[a-z][a-z0-9.]{0,8}", fullmatch=True), VALUES, max_size=4)


KEYS = st.tuples(st.sampled_from(["node", "group", "osimage"]), NAMES | st.just("default-compute"))


@given(st.dictionaries(KEYS, ATTRIBUTES, max_size=5))
def test_rendered_stanzas_parse_to_the_same(objects: dict[tuple[str, str], dict[str, str]]) -> None:
    stanzas = [
        Stanza(objtype, name, {key: value for key, value in values.items() if key != "objtype"})
        for (objtype, name), values in objects.items()
    ]
    assert stanza.parse(stanza.render(stanzas)) == stanzas


@given(st.text())
@example("0:")
def test_any_text_parses_or_names_its_line(text: str) -> None:
    try:
        stanza.parse(text, "any")
    except DefinitionError as error:
        place = re.match(r"any:(\d+): ", error.hint or "")
        assert place and 1 <= int(place[1]) <= text.count("\n") + 1


VALUES_OF_N1 = {"mgt": "ipmi", "os": "debian12", "groups": "all,gpu"}


@pytest.mark.parametrize(
    ("texts", "holds"),
    [
        (["mgt==ipmi"], True),
        (["mgt=ipmi"], True),
        (["mgt!=ipmi"], False),
        (["os=~^debian"], True),
        (["os=~/deb/"], True),
        (["os!~deb"], False),
        (["mgt==ipmi", "os==x"], False),
        (["mgt==x", "mgt==ipmi"], True),
        (["arch!=x86"], False),
        (["arch!~x86"], False),
    ],
)
def test_selection(texts: list[str], holds: bool) -> None:
    assert select.holds(select.parse(texts), VALUES_OF_N1) is holds


@pytest.mark.parametrize("text", ["", "mgt", "==x", "mgt=~(", "=~"])
def test_bad_selection(text: str) -> None:
    with pytest.raises(DefinitionError, match="Incorrect selection string specified with -w flag"):
        select.parse([text])


def test_plus_appends_what_is_missing_and_minus_removes_exact_items() -> None:
    before = {"groups": "all,gpu"}
    assert newvalues.plus("n1", before, {"groups": "gpu,x", "mgt": "ipmi"}).changes == {
        "groups": "all,gpu,x",
        "mgt": "ipmi",
    }
    assert newvalues.minus("n1", before, {"groups": "gpu"}) == ({"groups": "all"}, ())
    assert newvalues.minus("n1", before, {"groups": "gp", "mgt": "x"}) == (
        {},
        (
            "gp is not in the attribute of 'groups' for the 'n1' definition.",
            "No value got for attribute 'mgt' for the 'n1' definition.",
        ),
    )


@given(st.lists(st.sampled_from("abcd"), unique=True), st.lists(st.sampled_from("abcd"), unique=True))
def test_minus_undoes_plus(have: list[str], more: list[str]) -> None:
    fresh = [item for item in more if item not in have]
    added = newvalues.plus("x", {"a": ",".join(have)}, {"a": ",".join(more)}).changes["a"] if more else ",".join(have)
    left = newvalues.minus("x", {"a": added}, {"a": ",".join(fresh)}).changes.get("a", added) if fresh else added
    assert left == ",".join(have)

"""An order is a value: it survives JSON, does not change, and refuses what must not or cannot travel."""

import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.definitions.secret import Secret
from sbkernel.errors import JobError
from sbkernel.jobs.order import HANDED, Order

SHA = "0123456789abcdef" * 4
TARGET = "sbkernel.images.genimage:genimage"

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
names = st.from_regex(r"[a-z_]{1,8}", fullmatch=True).filter(lambda name: name not in HANDED)
parts = st.fixed_dictionaries({
    "verb": st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True),
    "target": st.sampled_from([TARGET, "a:b"]),
    "arguments": st.dictionaries(names, values, max_size=4),
    "inputs": st.dictionaries(st.text(), st.from_regex(r"[0-9a-f]{64}", fullmatch=True), max_size=3),
    "plan": st.sampled_from(["", SHA]),
})  # fmt: skip


def reversed_keys(value: Any) -> Any:
    """Return the same JSON with the keys of every object the other way round."""
    if isinstance(value, dict):
        return {key: reversed_keys(inner) for key, inner in reversed(value.items())}
    return [reversed_keys(inner) for inner in value] if isinstance(value, list) else value


@given(parts)
def test_an_order_comes_back_from_json_as_it_was(given_: dict[str, Any]) -> None:
    order = Order(**given_)
    back = Order.from_json(order.text)
    assert back == order and hash(back) == hash(order) and back.digest == order.digest
    assert {name: getattr(back, name) for name in given_} == given_
    assert pickle.loads(pickle.dumps(order)) == order


@given(parts)
def test_the_order_of_keys_and_blanks_mean_nothing(given_: dict[str, Any]) -> None:
    order = Order(**given_)
    assert Order(**reversed_keys(given_)) == order
    assert Order.from_json(json.dumps(reversed_keys(json.loads(order.text)), indent=1, ensure_ascii=False)) == order


@given(parts, parts)
def test_two_orders_share_a_digest_only_if_they_are_the_same(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert (Order(**one).digest == Order(**other).digest) == (Order(**one).text == Order(**other).text)
    assert Order(**one).text != Order(**{**one, "plan": "another"}).text


def test_the_text_and_digest_are_the_same_everywhere_and_for_good() -> None:
    order = Order("genimage", TARGET, {"image": "größer", "force": True}, inputs={"pkglist": SHA}, plan=SHA)
    assert order.text == (
        '{"arguments":{"force":true,"image":"gr\\u00f6\\u00dfer"},"inputs":{"pkglist":"' + SHA + '"},'
        '"plan":"' + SHA + '","target":"' + TARGET + '","verb":"genimage","version":1}'
    )
    assert order.digest == "74e27b0f6fcfd398cd65c6e03156de3391e3a5106e5b17625608e94e07c451f4"


def test_true_is_not_one() -> None:
    assert Order("a", "a:b", {"x": True}) != Order("a", "a:b", {"x": 1}) != Order("a", "a:b", {"x": 1.0})


def test_an_order_does_not_change_with_what_it_was_made_from() -> None:
    drivers = ["igb"]
    order = Order("genimage", TARGET, {"drivers": drivers})
    before = order.digest
    drivers.append("e1000e")
    order.arguments["drivers"].append("tg3")
    assert order.arguments == {"drivers": ["igb"]} and order.digest == before
    with pytest.raises(AttributeError):
        order.text = "{}"  # type: ignore[misc]


@pytest.mark.parametrize("hidden", [Secret("hunter2"), [Secret("hunter2")], {"a": [{"b": Secret("hunter2")}]}])
def test_a_secret_is_refused_wherever_it_hides(hidden: object) -> None:
    with pytest.raises(JobError, match=r"genimage: the argument login.* is a secret") as caught:
        Order("genimage", TARGET, {"login": hidden})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ({1, 2}, "login is a set"),
        ([b"bytes"], r"login\[0\] is a bytes"),
        ({"a": float("nan")}, r"login\.a is nan"),
        (float("inf"), "login is inf"),
        ({"a": {1: "x"}}, r"login\.a has a key that is no text but a int"),
        ([10**5000], "genimage: "),
    ],
)
def test_what_json_cannot_express_is_refused_with_its_place(value: object, why: str) -> None:
    with pytest.raises(JobError, match=why):
        Order("genimage", TARGET, {"login": value})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"verb": "../genimage"}, "is no verb"),
        ({"verb": ""}, "is no verb"),
        ({"target": "os.system"}, "not of the form module:function"),
        ({"target": "a:b.c"}, "not of the form module:function"),
        ({"plan": 7}, "by its digest, not by a int"),
        ({"arguments": {"report": 1}}, "report is for the job itself to give"),
        ({"arguments": {"a b": 1}}, "no name of an argument"),
        ({"arguments": {1: 1}}, "no name of an argument"),
        ({"inputs": {"pkglist": "../../etc/shadow"}}, "no sha256 in hex"),
        ({"inputs": {"pkglist": SHA.upper()}}, "no sha256 in hex"),
        ({"inputs": {7: SHA}}, "no name of an input"),
    ],
)
def test_parts_that_are_wrong_are_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(JobError, match=why):
        Order(**{"verb": "genimage", "target": TARGET, **changes})


def changed(**changes: Any) -> str:
    """Return the text of an order with other fields; None takes one away."""
    fields = {**json.loads(Order("genimage", TARGET, {"image": "a"}).text), **changes}
    return json.dumps({name: value for name, value in fields.items() if value is not None})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (changed(version=2), "has version 2, and this program reads version 1 only"),
        (changed(version=None), "it has no version"),
        (changed(target=None), "missing or unknown: target"),
        (changed(colour="red"), "missing or unknown: colour"),
        (changed(inputs=["a"]), "arguments and inputs go by name"),
        (changed(verb=["genimage"]), "is no verb"),
        ("[1]", "it has no version"),
        (changed()[:-5], "this is not an order"),
        ('{"version": 1, "arguments": {"a": NaN}}', "missing or unknown"),
    ],
)
def test_a_text_that_is_no_order_is_refused(text: str, why: str) -> None:
    with pytest.raises(JobError, match=why):
        Order.from_json(text)


def test_an_order_of_another_version_says_what_to_do() -> None:
    with pytest.raises(JobError) as caught:
        Order.from_json(changed(version=2))
    assert "same version of sbkernel" in str(caught.value.hint)

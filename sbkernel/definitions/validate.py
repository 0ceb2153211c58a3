"""Check the name and the attributes of one object. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sbkernel.definitions.attributes import attribute_of, attributes_of, near
from sbkernel.definitions.tables.attribute import Attribute
from sbkernel.errors import DefinitionError

# Names become file names, parts of URLs and words on kernel command lines.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+:-]{0,127}")
_NODE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,62}")
_IPV4 = re.compile(r"\d{1,3}(\.\d{1,3}){3}")
_INVALID = 'The object name \'{}\' is invalid, please refer to "man xcatdb" for the valid "xCAT Object Name Format"'
_COMPUTED = ("group", "node")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class NeedsError(DefinitionError):
    """An attribute is legal only while another one has certain values, and it does not have them (xCAT: only_if)."""


def check_name(objtype: str, name: str) -> str:
    """Return the name of an object if it is legal. A node has a short host name or an IPv4 address."""
    attributes_of(objtype)
    if objtype == "node":
        return _check_node_name(name)
    if objtype != "network" and (not _NAME.fullmatch(name) or ".." in name):
        raise DefinitionError(_INVALID.format(name), hint="Letters, digits and _ . + : - are valid.")
    return name


def _check_node_name(name: str) -> str:
    if _IPV4.fullmatch(name) or _NODE_NAME.fullmatch(name):
        return name
    if "." in name:
        raise DefinitionError(f"The object name '{name}' is invalid, Cannot use '.' in node name.")
    raise DefinitionError(_INVALID.format(name), hint="Letters, digits, - and _ are valid, up to 63.")


def check_values(objtype: str, name: str, given: Mapping[str, str], whole: Mapping[str, str]) -> None:
    """Check the attributes in `given`; `whole` is the object as it would be with them."""
    for _key, fault in faults(objtype, name, given, whole):
        raise fault


def faults(
    objtype: str, name: str, given: Mapping[str, str], whole: Mapping[str, str]
) -> Iterator[tuple[str, DefinitionError]]:
    """Yield every attribute in `given` that is wrong, with the error."""
    for key, value in given.items():
        try:
            _check(objtype, name, key, value, whole)
        except DefinitionError as error:
            yield key, error


def _check(objtype: str, name: str, key: str, value: str, whole: Mapping[str, str]) -> None:
    attribute = attribute_of(objtype, key)
    if value:
        check_value(objtype, attribute, key, value, name)
        if attribute.needs is not None:
            _check_needs(attribute.needs, key, whole)


def check_value(objtype: str, attribute: Attribute, key: str, value: str, name: str) -> None:
    """Refuse a value that an attribute, called `key` here, cannot have, or an expression that cannot be computed."""
    if not value.isprintable() and _CONTROL.search(value):
        raise DefinitionError(f"{name}: the value of '{key}' holds a control character")
    if objtype in _COMPUTED and attribute.computes(value):
        if not attribute.is_comment:
            _check_expression(objtype, attribute, key, value, name)
    else:
        check_plain(attribute, key, value, name)


def _check_expression(objtype: str, attribute: Attribute, key: str, value: str, name: str) -> None:
    """Compute the value of a node at once. For a group, refuse only what is wrong for every name."""
    # Imported only here, like the forms of addresses below: most changes need neither.
    from sbkernel.definitions.computed import expression

    try:
        text = expression.evaluate(value, name) if objtype == "node" else ""
        expression.check(value)
    except DefinitionError as error:
        said = f"'{key}' cannot be computed" + ("" if attribute.secret else f" from {value}: {error.message}")
        raise DefinitionError(f"{name}: {said}", hint=error.hint) from None
    if text:
        check_plain(attribute, key, text, name)


def check_plain(attribute: Attribute, key: str, value: str, name: str) -> None:
    """Refuse a value that an attribute cannot have, computed or not."""
    if attribute.values and value not in attribute.values:
        hint = near(value, attribute.values) or f"Legal: {' '.join(attribute.values)}"
        raise DefinitionError(f"{name}: '{value}' is not a legal value of '{key}'.", hint=hint)
    if attribute.pattern and not re.fullmatch(attribute.pattern, value):
        shown = "***" if attribute.secret else f"'{value}'"
        raise DefinitionError(f"{name}: {shown} is not a legal value of '{key}'.", hint=attribute.text)
    if attribute.form:
        _check_form(attribute, key, value, name)


def _check_form(attribute: Attribute, key: str, value: str, name: str) -> None:
    from sbkernel.definitions.addresses import wrong

    if reason := wrong(attribute.form, value):
        raise DefinitionError(f"{name}: '{value}' is not a legal value of '{key}'.", hint=reason)


def _check_needs(needs: tuple[str, tuple[str, ...]], key: str, whole: Mapping[str, str]) -> None:
    other, values = needs
    # nodetype is a comma list.
    if set(whole.get(other, "").split(",")).isdisjoint(values):
        wanted = " or ".join(values)
        raise NeedsError(f"Cannot set the attr='{key}' attribute unless {other} value is {wanted}.")


def merged(before: Mapping[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """Return `before` with the changes; a change to None or "" clears."""
    whole = {**before, **{key: value or "" for key, value in changes.items()}}
    return {key: value for key, value in whole.items() if value}

"""Attributes with a value for each network interface (xCAT table nics). Pure.

People write `nicips.eth0=10.0.0.1`. We store one value, as xCAT's table does: `eth0!10.0.0.1,ib0!10.1.0.1`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from sbkernel.definitions.attributes import attributes_of
from sbkernel.definitions.store.interface import Values

_TYPES = ("node", "group")


@functools.cache
def keyed(objtype: str) -> frozenset[str]:
    """Return the attributes of a type that have a value for each interface."""
    return frozenset(name for name, one in attributes_of(objtype).items() if one.keyed)


def spread(values: Mapping[str, str]) -> Values:
    """Return attributes with `nicips.eth0` in place of nicips."""
    names = [name for name in values if name.startswith("nic") and name in keyed("node")]
    if not names:
        return dict(values)
    rest = {name: value for name, value in values.items() if name not in names}
    return rest | {f"{name}.{nic}": value for name in names for nic, value in pairs(values[name]).items() if value}


def by_interface(values: Mapping[str, str], name: str) -> Values:
    """Return what spread() has made of an attribute, by interface: nicips.eth0=a is the value a of eth0."""
    return {key.removeprefix(f"{name}."): value for key, value in values.items() if key.startswith(f"{name}.")}


def folded(before: Mapping[str, str], given: Mapping[str, str]) -> Values:
    """Return new values in which `nicips.eth0` is part of nicips. An empty value removes the interface."""
    words = {key: value for key, value in given.items() if "." in key and is_word(key)}
    if not words:
        return dict(given)
    plain = {key: value for key, value in given.items() if key not in words}
    for key, value in words.items():
        name, _, nic = key.partition(".")
        found = {**pairs(plain.get(name, before.get(name, ""))), nic: value}
        plain[name] = ",".join(f"{one}!{text}" for one, text in found.items() if text)
    return plain


def is_word(key: str) -> bool:
    """Tell whether an attribute is written like `nicips.eth0`."""
    name, dot, _ = key.partition(".")
    return bool(dot) and name in keyed("node")


def pairs(text: str) -> Values:
    """Read eth0!a,ib0!b. A part without ! belongs to the interface before it, as values may contain commas."""
    found: Values = {}
    latest = ""
    for item in text.split(","):
        nic, mark, value = item.partition("!")
        if mark:
            latest = nic
            found[nic] = value
        elif latest and item:
            found[latest] += f",{item}"
    return found

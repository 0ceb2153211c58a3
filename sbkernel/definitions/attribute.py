"""What one entry of the attribute table says; the entries themselves are data, in tables/."""

from __future__ import annotations

from typing import NamedTuple


class Attribute(NamedTuple):
    """One attribute of one object type; xCAT names throughout (xcatdb(5), "man xcatdb")."""

    name: str
    text: str
    values: tuple[str, ...] = ()
    """Legal values; empty: any."""
    default: str = ""
    """What holds when it is unset; for help only, never stored."""
    needs: tuple[str, tuple[str, ...]] | None = None
    """Legal only while that attribute has one of these values (xCAT's only_if)."""
    pattern: str = ""
    """Regular expression that the whole value must match; empty: any."""
    secret: bool = False
    """Printed as ***."""
    volatile: bool = False
    """Written by the running system; changes of it are not journaled."""
    keyed: bool = False
    """Holds one value a key, written `nicips.eth0=...`."""

"""Attributes of passwd: a login by purpose, such as system (root of the nodes) or ipmi (xCAT table passwd)."""

from sbkernel.definitions.attribute import Attribute as Attr
from sbkernel.definitions.attribute import stored

ATTRIBUTES = tuple(
    stored(
        "passwd",
        Attr("username", "User."),
        Attr(
            "password",
            "Password or its hash, or where it is: env:NAME, file:PATH, keyring:NAME.",
            secret=True,
        ),
        Attr("cryptmethod", "How password is hashed, such as sha512; unset: it is not."),
        Attr("authdomain", "Domain of the user."),
        Attr("usercomment", "Any text.", column="comments"),
    )
)

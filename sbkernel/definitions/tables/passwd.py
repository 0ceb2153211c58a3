"""Attributes of passwd: a login by purpose, such as system (root of the nodes) or ipmi (xCAT table passwd)."""

from sbkernel.definitions.attribute import Attribute as Attr

ATTRIBUTES = (
    Attr("username", "User."),
    Attr("password", "Password or its hash, or where it is: env:NAME, file:PATH, keyring:NAME.", secret=True),
    Attr("cryptmethod", "How password is hashed; unset: it is not.", ("md5", "sha256", "sha512")),
    Attr("authdomain", "Domain of the user."),
    Attr("usercomment", "Any text."),
)

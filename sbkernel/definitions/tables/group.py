"""Attributes of group, beside those of node that its members inherit (xCAT table nodegroup)."""

from sbkernel.definitions.attribute import Attribute as Attr
from sbkernel.definitions.attribute import stored

ATTRIBUTES = tuple(
    stored(
        "nodegroup",
        Attr(
            "grouptype",
            "static: nodes name the group; dynamic: wherevals selects them.",
            ("static", "dynamic"),
            "static",
        ),
        Attr("members", "Comma list of its nodes; kept on the nodes."),
        Attr("wherevals", "Conditions of a dynamic group, such as mgt==ipmi, joined by `::`."),
        Attr("membergroups", "Comma list of groups in a group."),
        Attr("usercomment", "Any text.", column="comments"),
    )
)

"""Attributes of group, beside every attribute of node, which its members inherit (xCAT table nodegroup)."""

from sbkernel.definitions.attribute import Attribute as Attr

ATTRIBUTES = (
    Attr(
        "grouptype", "static: nodes name the group; dynamic: wherevals selects them.", ("static", "dynamic"), "static"
    ),
    Attr("members", "Comma list of its nodes; kept on the nodes."),
    Attr("wherevals", "Conditions of a dynamic group, such as mgt==ipmi, joined by `::`."),
    Attr("membergroups", "Comma list of groups in a group."),
)

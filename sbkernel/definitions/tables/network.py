"""Attributes of network: one IP network (xCAT table networks)."""

from sbkernel.definitions.attribute import Attribute as Attr
from sbkernel.definitions.attribute import stored

ATTRIBUTES = tuple(
    stored(
        "networks",
        Attr("net", "Network address, such as 10.0.0.0.", form="net"),
        Attr("mask", "Network mask, such as 255.255.255.0, or /64 with IPv6.", form="mask"),
        Attr("mgtifname", "Interface of this host in the network; !remote!NAME: reached through a DHCP relay."),
        Attr("gateway", "Gateway; <xcatmaster>: this host.", form="host"),
        Attr("dhcpserver", "DHCP server.", default="this host", form="host"),
        Attr("tftpserver", "TFTP server.", default="the DHCP server", form="hosts"),
        Attr("nameservers", "Comma list of name servers; <xcatmaster>: the node's server.", form="hosts"),
        Attr("ntpservers", "Comma list of time servers.", default="the DHCP server", form="hosts"),
        Attr("logservers", "Comma list of log servers.", default="the DHCP server", form="hosts"),
        Attr("dynamicrange", "Addresses for unknown machines, as first-last; several with ; between.", form="ranges"),
        Attr("staticrange", "Addresses for discovered nodes, as first-last.", form="ranges"),
        Attr("staticrangeincrement", "Step in that range.", pattern=r"\d+"),
        Attr("nodehostname", "Host name of a node in this network, as an expression such as /\\z/-ib/."),
        Attr("ddnsdomain", "Domain of names given by DHCP."),
        Attr("domain", "DNS domain of the network."),
        Attr("vlanid", "VLAN."),
        Attr("mtu", "Largest packet in bytes.", pattern=r"\d+"),
        Attr("usercomment", "Any text.", column="comments"),
    )
)

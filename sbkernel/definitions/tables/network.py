"""Attributes of network: one IP network (xCAT table networks)."""

from sbkernel.definitions.attribute import Attribute as Attr

ATTRIBUTES = (
    Attr("net", "Network address, such as 10.0.0.0."),
    Attr("mask", "Network mask, such as 255.255.255.0, or /64 with IPv6."),
    Attr("mgtifname", "Interface of this host in the network."),
    Attr("gateway", "Gateway; <xcatmaster>: this host."),
    Attr("dhcpserver", "DHCP server.", default="this host"),
    Attr("tftpserver", "TFTP server.", default="this host"),
    Attr("nameservers", "Comma list of name servers."),
    Attr("ntpservers", "Comma list of time servers."),
    Attr("logservers", "Comma list of log servers."),
    Attr("dynamicrange", "Addresses for unknown machines, as first-last.", pattern=r"[^\s;]+[-/][^\s]+"),
    Attr("staticrange", "Addresses for known nodes, as first-last.", pattern=r"[^\s;]+[-/][^\s]+"),
    Attr("staticrangeincrement", "Step in that range.", pattern=r"\d+"),
    Attr("nodehostname", "Host name of a node in this network, as an expression."),
    Attr("ddnsdomain", "Domain of names given by DHCP."),
    Attr("domain", "Domain."),
    Attr("vlanid", "VLAN."),
    Attr("mtu", "Largest packet in bytes.", pattern=r"\d+"),
    Attr("usercomment", "Any text."),
)

"""Attributes of node about its addresses and interfaces, and about the services that a service node has."""

from sbkernel.definitions.tables.attribute import Attribute as Attr
from sbkernel.definitions.tables.attribute import honoured, noted, stored

_MAC = r"(?:\*NOIP\*|[0-9A-Fa-f]{2}([:-]?[0-9A-Fa-f]{2}){5,19})(!\S+)?"
_INTERFACES = noted("every interface asks DHCP; anything else is for the image to set up")
INTERFACES = (
    *stored(
        "hosts",
        Attr(
            "ip",
            "IP address.",
            form="address",
            netboot=honoured("nodeset", "is its address in DHCP and in its hosts file; no two nodes may share it"),
        ),
        Attr(
            "hostnames",
            "Comma list of further names.",
            netboot=honoured("makehosts", "its names and addresses are in the hosts file"),
        ),
        Attr(
            "otherinterfaces",
            "Further addresses as `-suffix:ip` or `name:ip`, a comma list.",
            form="interfaces",
            netboot=honoured("makehosts", "its names and addresses are in the hosts file"),
        ),
    ),
    *stored(
        "mac",
        Attr(
            "mac",
            "MAC address that boots; several as `mac1!name1|mac2!name2`.",
            pattern=rf"{_MAC}(\|{_MAC})*",
            netboot=honoured("nodeset", "says which machine boots, and by which card"),
        ),
        Attr("interface", "Name of the interface that boots.", netboot=noted("mac says which card boots")),
    ),
    *stored(
        "nics",
        *(
            Attr(name, text, keyed=True, form="nicips" if name == "nicips" else "", netboot=_INTERFACES)
            for name, text in {
                "nicips": "IP addresses of an interface, as nicips.eth0=a|b.",
                "nictypes": "Type of an interface: Ethernet, Infiniband, bond, vlan, bridge_ovs ...",
                "nichostnamesuffixes": "Suffixes of the host names of an interface, one an address.",
                "nichostnameprefixes": "Prefixes of the host names of an interface, one an address.",
                "nicnetworks": "Network objects of an interface, one an address.",
                "nicaliases": "Further names of an interface, with blanks between.",
                "nicextraparams": "Further parameters of an interface, such as MTU=9000.",
                "niccustomscripts": "Script that configures an interface.",
                "nicdevices": "Devices below an interface, such as bond0=eth0|eth1.",
                "nicsadapter": "What is known of the adapter: mac, linkstate, switch and so on.",
            }.items()
        ),
    ),
)

SERVICES = tuple(
    stored(
        "servicenode",
        Attr("setupnameserver", "Set up DNS on this service node: 1 forwards, 2 is a secondary.", column="nameserver"),
        Attr("setupdhcp", "Set up DHCP on this service node.", column="dhcpserver"),
        Attr("setuptftp", "Set up TFTP on this service node.", column="tftpserver"),
        Attr("setupnfs", "Set up file services on this service node.", column="nfsserver"),
        Attr("setupconserver", "Set up consoles on this service node: 1 conserver, 2 goconserver.", column="conserver"),
        Attr("setupipforward", "Forward packets on this service node.", column="ipforward"),
        Attr("setupproxydhcp", "Set up proxy DHCP on this service node.", column="proxydhcp"),
        Attr("setupldap", "Set up an LDAP proxy on this service node.", column="ldapserver"),
        Attr("setupntp", "Set up a time server on this service node.", column="ntpserver"),
        Attr("setupftp", "Set up FTP on this service node.", column="ftpserver"),
        Attr("setupnim", "Set up NIM on this service node; not used.", column="nimserver"),
        Attr("dhcpinterfaces", "Comma list of interfaces on which this service node serves DHCP."),
    )
)

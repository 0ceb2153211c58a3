"""Attributes of node, which is one machine, and the attributes that only a group has.

xCAT tables nodelist, nodetype, nodehm, noderes, bootparams, hosts, mac and others; nodegroup.
"""

from sbkernel.definitions.tables import node_hardware, node_virtual
from sbkernel.definitions.tables.attribute import Attribute as Attr
from sbkernel.definitions.tables.attribute import stored

_NUMBER = r"\d+"
_YES_NO = ("yes", "no", "1", "0", "y", "n")
_MGT = (
    "ipmi", "openbmc", "hmc", "fsp", "bpa", "cec", "frame", "blade", "ivm", "kvm", "esx", "rhevm", "vmware", "docker",
    "switch", "pdu", "mic", "zvm", "xcat", "netscout",
)  # fmt: skip
_MAC = r"(?:\*NOIP\*|[0-9A-Fa-f]{2}([:-]?[0-9A-Fa-f]{2}){5,19})(!\S+)?"

_NODELIST = stored(
    "nodelist",
    Attr(
        "groups",
        "Comma list of the groups it is in; the first that has an attribute lends it.",
        pattern=r"[^\s,]+(,[^\s,]+)*",
    ),
    Attr(
        "status",
        "What the node last reported, such as defined, netbooting, booted, alive, failed, unreachable.",
        volatile=True,
    ),
    Attr("statustime", "When it reported that.", volatile=True),
    Attr("updatestatus", "Whether its files are in step: synced, out-of-sync, syncing, failed.", volatile=True),
    Attr("updatestatustime", "When that was found.", volatile=True),
    Attr("appstatus", "State of its applications.", volatile=True),
    Attr("appstatustime", "When that was found.", volatile=True),
    Attr("primarysn", "Not used."),
    Attr("hidden", "1 leaves it out of listings.", ("0", "1")),
    Attr("zonename", "Name of its zone."),
    Attr("usercomment", "Any text.", column="comments"),
)
_NODETYPE = stored(
    "nodetype",
    Attr("os", "Operating system; written by nodeset."),
    Attr("arch", "Architecture; written by nodeset."),
    Attr("profile", "Profile; written by nodeset."),
    Attr("provmethod", "Name of the osimage it boots."),
    Attr("supportedarchs", "Comma list of architectures it can run."),
    Attr("nodetype", "Comma list of what kind of thing it is: osi, vm, ppc, blade, mm, switch, pdu ..."),
)
_NODEHM = stored(
    "nodehm",
    Attr("mgt", "How it is controlled.", _MGT),
    Attr("power", "How its power is controlled.", _MGT, default="mgt"),
    Attr("cons", "How its console is reached.", (*_MGT, "cyclades", "mrv"), default="mgt, when serialport is set"),
    Attr("getmac", "How its MAC address is found.", default="mgt"),
    Attr("termserver", "Terminal server of its console.", form="host"),
    Attr("termport", "Port on that terminal server."),
    Attr("conserver", "Host that keeps its console open.", default="this host", form="host"),
    Attr("consoleondemand", "Open the console only while somebody looks.", _YES_NO, default="that of the site"),
    Attr("consoleenabled", "Whether its console is kept open.", _YES_NO),
    Attr("cmdmapping", "File that maps commands of another tool.", is_path=True),
    Attr("serialport", "Serial port of its console; 0 is ttyS0.", pattern=_NUMBER),
    Attr("serialspeed", "Speed of the serial port, such as 115200.", pattern=_NUMBER),
    Attr("serialflow", "Flow control of the serial port.", ("hard", "soft", "none", "tcs", "ctsrts")),
)
_NODERES = stored(
    "noderes",
    Attr(
        "netboot",
        "Boot loader.",
        ("xnba", "pxe", "grub2", "grub2-http", "grub2-tftp", "petitboot", "yaboot", "onie", "nimol"),
    ),
    Attr("installnic", "Interface that boots: a name, a MAC address, or `mac`.", default="primarynic, else mac"),
    Attr("primarynic", "Main interface; installnic replaces it."),
    Attr("xcatmaster", "Address of the server as the node sees it.", pattern=r"[\w.:<>-]+", form="host"),
    Attr("servicenode", "Comma list of its service nodes.", form="hosts"),
    Attr("tftpserver", "TFTP server.", default="that of its network", form="host"),
    Attr("tftpdir", "Directory of that TFTP server.", is_path=True),
    Attr("nfsserver", "Server of the image.", default="xcatmaster", form="host"),
    Attr("nfsdir", "Directory on that server.", is_path=True),
    Attr("monserver", "Monitoring server, as the site and as the node see it: a,b.", form="hosts"),
    Attr("nimserver", "NIM server; not used."),
    Attr("nameservers", "Comma list of name servers, instead of those of its network or the site.", form="hosts"),
    Attr("syslog", "ignore: its log is not forwarded."),
    Attr("routenames", "Comma list of route objects that it has."),
    Attr("supportproxydhcp", "Whether its firmware uses proxy DHCP.", _YES_NO, "yes", column="proxydhcp"),
)
_BOOTPARAMS = stored(
    "bootparams",
    Attr("kernel", "Kernel that it boots; written by nodeset.", volatile=True, is_path=True),
    Attr("initrd", "initrd that it boots; written by nodeset.", volatile=True, is_path=True),
    Attr("kcmdline", "Kernel command line; written by nodeset.", volatile=True),
    Attr("addkcmdline", "Added to the kernel's command line, after the osimage's.", pattern=r"[^\n\r]*"),
)
_CHAIN = stored(
    "chain",
    Attr("currstate", "What it does at its next boot; written by nodeset.", volatile=True),
    Attr("currchain", "What is left of its chain.", volatile=True),
    Attr("chain", "What a discovered node does, step by step: boot, runcmd=CMD, runimage=URL, shell, standby."),
    Attr("ondiscover", "Not used."),
)
_NET = (
    *stored(
        "hosts",
        Attr("ip", "IP address.", form="address"),
        Attr("hostnames", "Comma list of further names."),
        Attr("otherinterfaces", "Further addresses as `-suffix:ip` or `name:ip`, a comma list.", form="interfaces"),
    ),
    *stored(
        "mac",
        Attr("mac", "MAC address that boots; several as `mac1!name1|mac2!name2`.", pattern=rf"{_MAC}(\|{_MAC})*"),
        Attr("interface", "Name of the interface that boots."),
    ),
    *stored(
        "nics",
        *(
            Attr(name, text, keyed=True, form="nicips" if name == "nicips" else "")
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
_SCRIPTS = (
    *stored(
        "postscripts",
        Attr("postscripts", "Comma list of scripts run on the node at boot."),
        Attr("postbootscripts", "Comma list of scripts run on the node after boot."),
    ),
    *stored(
        "prescripts",
        Attr("prescripts-begin", "Scripts run here before nodeset, as [ACTION:]s1,s2[|ACTION:s3].", column="begin"),
        Attr("prescripts-end", "Scripts run here after nodeset, in the same form.", column="end"),
    ),
)
_SERVICENODE = stored(
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

_GROUP = stored(
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

_NODE = (
    *_NODELIST,
    *_NODETYPE,
    *_NODEHM,
    *_NODERES,
    *_BOOTPARAMS,
    *_CHAIN,
    *_NET,
    *_SCRIPTS,
    *_SERVICENODE,
    *node_hardware.ATTRIBUTES,
    *node_virtual.ATTRIBUTES,
)

ATTRIBUTES = {"group": tuple(_GROUP), "node": _NODE}

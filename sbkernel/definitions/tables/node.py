"""Attributes of node, which is one machine, and the attributes that only a group has.

xCAT tables nodelist, nodetype, nodehm, noderes, bootparams, hosts, mac and others; nodegroup.
"""

from sbkernel.definitions.tables import node_hardware, node_network, node_virtual
from sbkernel.definitions.tables.attribute import Attribute as Attr
from sbkernel.definitions.tables.attribute import honoured, noted, refused, stored

_NUMBER = r"\d+"
_YES_NO = ("yes", "no", "1", "0", "y", "n")
_MGT = (
    "ipmi", "openbmc", "redfish", "auto", "hmc", "fsp", "bpa", "cec", "frame", "blade", "ivm", "kvm", "esx", "rhevm",
    "vmware", "docker", "switch", "pdu", "mic", "zvm", "xcat", "netscout",
)  # fmt: skip

_NODELIST = stored(
    "nodelist",
    Attr(
        "groups",
        "Comma list of the groups it is in; the first that has an attribute lends it.",
        pattern=r"[^\s,]+(,[^\s,]+)*",
        netboot=honoured("nodeset", "noderanges select it by its groups, and they lend it attributes"),
    ),
    Attr(
        "status",
        "What the node last reported, such as defined, netbooting, booted, alive, failed, unreachable.",
        volatile=True,
        netboot=noted("nodestat shows what a node reported, and -u writes what it found"),
    ),
    Attr("statustime", "When it reported that.", volatile=True, netboot=noted("nodestat shows when")),
    Attr(
        "updatestatus",
        "Whether its files are in step: synced, out-of-sync, syncing, failed.",
        volatile=True,
        netboot=noted("updatenode writes it"),
    ),
    Attr("updatestatustime", "When that was found.", volatile=True, netboot=noted("updatenode writes it")),
    Attr("appstatus", "State of its applications.", volatile=True, netboot=noted("nodestat -u writes it")),
    Attr("appstatustime", "When that was found.", volatile=True, netboot=noted("nodestat -u writes it")),
    Attr("primarysn", "Not used."),
    Attr("hidden", "1 leaves it out of listings.", ("0", "1"), netboot=honoured("lsdef", "leaves it out of listings")),
    Attr("zonename", "Name of its zone.", netboot=noted("all nodes take the keys of the site")),
    Attr("usercomment", "Any text.", column="comments", netboot=noted("text for people")),
)
_NODETYPE = stored(
    "nodetype",
    Attr("os", "Operating system; written by nodeset.", netboot=honoured("nodeset", "writes it")),
    Attr(
        "arch",
        "Architecture; written by nodeset.",
        netboot=honoured("nodeset", "writes it; a virtual node is a machine of it"),
    ),
    Attr("profile", "Profile; written by nodeset.", netboot=honoured("nodeset", "writes it")),
    Attr(
        "provmethod",
        "Name of the osimage it boots.",
        netboot=honoured("nodeset", "is the image that it boots; IMAGE@DIGEST pins it to a version"),
    ),
    Attr(
        "supportedarchs",
        "Comma list of architectures it can run.",
        netboot=honoured("nodeset", "an image of another architecture is refused"),
    ),
    Attr("nodetype", "Comma list of what kind of thing it is: osi, vm, ppc, blade, mm, switch, pdu ..."),
)
_NODEHM = stored(
    "nodehm",
    Attr(
        "mgt",
        "How it is controlled; auto: redfish if its BMC has it, else ipmi.",
        _MGT,
        netboot=honoured("rpower", "chooses the way to its power and console"),
    ),
    Attr(
        "power",
        "How its power is controlled.",
        _MGT,
        default="mgt",
        netboot=honoured("rpower", "chooses the way to its power"),
    ),
    Attr(
        "cons",
        "How its console is reached.",
        (*_MGT, "cyclades", "mrv"),
        default="mgt, when serialport is set",
        netboot=honoured("rcons", "chooses the way to its console"),
    ),
    Attr(
        "getmac",
        "How its MAC address is found.",
        default="mgt",
        netboot=noted("the mac of a node is given, not looked up"),
    ),
    Attr(
        "termserver",
        "Terminal server of its console.",
        form="host",
        netboot=noted("consoles are reached by BMCs and virtual machines"),
    ),
    Attr(
        "termport", "Port on that terminal server.", netboot=noted("consoles are reached by BMCs and virtual machines")
    ),
    Attr(
        "conserver",
        "Host that keeps its console open.",
        default="this host",
        form="host",
        netboot=noted("the service of this host keeps consoles"),
    ),
    Attr(
        "consoleondemand",
        "Open the console only while somebody looks.",
        _YES_NO,
        default="that of the site",
        netboot=noted("consoles are kept open, so that nothing that a node said is lost"),
    ),
    Attr(
        "consoleenabled",
        "Whether its console is kept open.",
        _YES_NO,
        netboot=noted("consoles are kept open, so that nothing that a node said is lost"),
    ),
    Attr("cmdmapping", "File that maps commands of another tool.", is_path=True),
    Attr(
        "serialport",
        "Serial port of its console; 0 is ttyS0.",
        pattern=_NUMBER,
        netboot=honoured("nodeset", "console= on the kernel's command line"),
    ),
    Attr(
        "serialspeed",
        "Speed of the serial port, such as 115200.",
        pattern=_NUMBER,
        netboot=honoured("nodeset", "is the speed of that console; serialport needs it"),
    ),
    Attr(
        "serialflow",
        "Flow control of the serial port.",
        ("hard", "soft", "none", "tcs", "ctsrts"),
        netboot=honoured("nodeset", "is the flow control of that console"),
    ),
)
_NODERES = stored(
    "noderes",
    Attr(
        "netboot",
        "Boot loader.",
        ("xnba", "pxe", "grub2", "grub2-http", "grub2-tftp", "petitboot", "yaboot", "onie", "nimol"),
        netboot=refused(
            "nodeset",
            "xnba and pxe are iPXE, grub2 and grub2-http GRUB, which also gets kernel and initrd by HTTP",
            accepts=("xnba", "pxe", "grub2", "grub2-http"),
        ),
    ),
    Attr(
        "installnic",
        "Interface that boots: a name, a MAC address, or `mac`.",
        default="primarynic, else mac",
        netboot=honoured(
            "nodeset",
            "a MAC address is BOOTIF= on the kernel's command line; a name is a note, since mac says which card boots",
        ),
    ),
    Attr("primarynic", "Main interface; installnic replaces it.", netboot=noted("mac says which card boots")),
    Attr(
        "xcatmaster",
        "Address of the server as the node sees it.",
        pattern=r"[\w.:<>-]+",
        form="host",
        netboot=honoured("nodeset", "the node fetches its image from there"),
    ),
    Attr(
        "servicenode",
        "Comma list of its service nodes: nodes, hosts or addresses, with :PORT if that is another.",
        form="hosts",
        netboot=honoured(
            "nodeset",
            "the node boots from the first that is alive: those in its network, the others, then this host",
        ),
    ),
    Attr(
        "tftpserver", "TFTP server.", default="that of its network", form="host", netboot=noted("DHCP names this host")
    ),
    Attr(
        "tftpdir",
        "Directory of that TFTP server.",
        is_path=True,
        netboot=refused("nodeset", "boot files of all nodes lie in tftpdir of the site"),
    ),
    Attr(
        "nfsserver",
        "Server of the image.",
        default="xcatmaster",
        form="host",
        netboot=honoured("nodeset", "the node fetches kernel, initrd and image from there"),
    ),
    Attr(
        "nfsdir",
        "Directory on that server.",
        is_path=True,
        netboot=refused("nodeset", "images lie in the catalog of the site"),
    ),
    Attr(
        "monserver",
        "Monitoring server, as the site and as the node see it: a,b.",
        form="hosts",
        netboot=noted("nodes report to the host that serves them"),
    ),
    Attr("nimserver", "NIM server; not used."),
    Attr(
        "nameservers",
        "Comma list of name servers, instead of those of its network or the site.",
        form="hosts",
        netboot=refused("nodeset", "name servers are those of the network", "set nameservers of the network"),
    ),
    Attr(
        "syslog",
        "ignore: its log is not forwarded.",
        netboot=honoured("nodeset", "with ignore, its log is not forwarded"),
    ),
    Attr(
        "routenames",
        "Comma list of route objects that it has.",
        netboot=refused(
            "nodeset", "no routes are set on nodes", "let DHCP name the gateway, or put the routes into the image"
        ),
    ),
    Attr(
        "supportproxydhcp",
        "Whether its firmware uses proxy DHCP.",
        _YES_NO,
        "yes",
        column="proxydhcp",
        netboot=noted("dhcpserver of its network says whether there is a proxy"),
    ),
)
_BOOTPARAMS = stored(
    "bootparams",
    Attr(
        "kernel",
        "Kernel that it boots; written by nodeset.",
        volatile=True,
        is_path=True,
        netboot=honoured("nodeset", "writes it"),
    ),
    Attr(
        "initrd",
        "initrd that it boots; written by nodeset.",
        volatile=True,
        is_path=True,
        netboot=honoured("nodeset", "writes it"),
    ),
    Attr(
        "kcmdline", "Kernel command line; written by nodeset.", volatile=True, netboot=honoured("nodeset", "writes it")
    ),
    Attr(
        "addkcmdline",
        "Added to the kernel's command line, after the osimage's.",
        pattern=r"[^\n\r]*",
        netboot=honoured("nodeset", "adds it after the osimage's, filled in the same way"),
    ),
)
_CHAIN = stored(
    "chain",
    Attr(
        "currstate",
        "What it does at its next boot; written by nodeset.",
        volatile=True,
        netboot=honoured("nodeset", "writes it"),
    ),
    Attr(
        "currchain",
        "What is left of its chain.",
        volatile=True,
        netboot=noted("a discovered machine boots what provmethod names, and nothing before"),
    ),
    Attr(
        "chain",
        "What a discovered node does, step by step: boot, runcmd=CMD, runimage=URL, shell, standby.",
        netboot=noted("a discovered machine boots what provmethod names, and nothing before"),
    ),
    Attr(
        "ondiscover", "Not used.", netboot=noted("a discovered machine boots what provmethod names, and nothing before")
    ),
)
_SCRIPTS = (
    *stored(
        "postscripts",
        Attr(
            "postscripts",
            "Comma list of scripts run on the node at boot.",
            netboot=honoured("nodeset", "nodes run them after boot: those of xcatdefaults, osimage and node"),
        ),
        Attr(
            "postbootscripts",
            "Comma list of scripts run on the node after boot.",
            netboot=honoured("nodeset", "nodes run them after all postscripts"),
        ),
    ),
    *stored(
        "prescripts",
        Attr(
            "prescripts-begin",
            "Scripts run here before nodeset, as [ACTION:]s1,s2[|ACTION:s3].",
            column="begin",
            netboot=refused("nodeset", "nodeset runs no scripts", "run them before nodeset, such as in a notebook"),
        ),
        Attr(
            "prescripts-end",
            "Scripts run here after nodeset, in the same form.",
            column="end",
            netboot=refused("nodeset", "nodeset runs no scripts", "run them after nodeset, such as in a notebook"),
        ),
    ),
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
    *node_network.INTERFACES,
    *_SCRIPTS,
    *node_network.SERVICES,
    *node_hardware.ATTRIBUTES,
    *node_virtual.ATTRIBUTES,
)

ATTRIBUTES = {"group": tuple(_GROUP), "node": _NODE}

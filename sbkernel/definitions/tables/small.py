"""Attributes of the smaller object types (xCAT: man 7 network, policy, route, zone, rack, kit, ...)."""

from sbkernel.definitions.tables.attribute import Attribute as Attr
from sbkernel.definitions.tables.attribute import honoured, stored

_NOTE = Attr("usercomment", "Any text.", column="comments")
_COMMENTS = Attr("comments", "Any text.")
_DISABLE = Attr("disable", "yes or 1: it is as if it were not there.")
_YES_NO = ("yes", "no", "1", "0", "y", "n")

_AUDITLOG = stored(
    "auditlog",
    Attr("audittime", "When it was changed."),
    Attr("userid", "Who changed it."),
    Attr("clientname", "Machine from which the command came."),
    Attr("clienttype", "Kind of client: cli, python, other."),
    Attr("command", "The verb."),
    Attr("noderange", "The object that it changed."),
    Attr("args", "What it changed."),
    Attr("status", "allowed or denied."),
    _COMMENTS,
    _DISABLE,
)
_LOADED = honoured("nodeset", "nodeset NODE boottarget=NAME boots it")
_BOOTTARGET = stored(
    "boottarget",
    Attr("kernel", "Kernel to fetch: a URL, or the path of a file below boot/.", netboot=_LOADED),
    Attr("initrd", "initrd to fetch, likewise.", netboot=_LOADED),
    Attr(
        "kcmdline", "Kernel command line.", netboot=honoured("nodeset", "is all of it but for the node's addkcmdline")
    ),
    _COMMENTS,
)
_EVENTLOG = stored(
    "eventlog",
    Attr("eventtime", "When it happened."),
    Attr("eventtype", "Kind of event."),
    Attr("monitor", "Monitor that saw it."),
    Attr("monnode", "Node that runs the monitor."),
    Attr("node", "Node where it happened."),
    Attr("application", "Program that reported it."),
    Attr("component", "Component where it happened."),
    Attr("id", "Place or resource where it happened."),
    Attr("severity", "informational, warning or critical."),
    Attr("message", "What happened."),
    Attr("rawdata", "Data that came with it."),
    _COMMENTS,
    _DISABLE,
)
_KIT = stored(
    "kit",
    Attr("basename", "Name without version."),
    Attr("description", "What it is for."),
    Attr("version", "Version."),
    Attr("release", "Release."),
    Attr("ostype", "Linux or AIX."),
    Attr("isinternal", "1: for internal use."),
    Attr("kitdeployparams", "File with its deployment parameters."),
    Attr("kitdir", "Directory in which it is installed."),
)
_KITCOMPONENT = stored(
    "kitcomponent",
    Attr("description", "What it is for."),
    Attr("kitname", "Kit it belongs to."),
    Attr("kitreponame", "Kit repository it belongs to."),
    Attr("basename", "Name without version."),
    Attr("version", "Version."),
    Attr("release", "Release."),
    Attr("serverroles", "Comma list of roles: mgtnode, servicenode, compute."),
    Attr("kitpkgdeps", "Comma list of packages it needs."),
    Attr("prerequisite", "Scripts and packages it needs first."),
    Attr("driverpacks", "Comma list of driver packages."),
    Attr("kitcompdeps", "Comma list of kit components it needs."),
    Attr("postbootscripts", "Comma list of scripts run on the node after boot."),
    Attr("genimage_postinstall", "Comma list of scripts run by genimage."),
    Attr("exlist", "File that names what is left out of images."),
)
_KITREPO = stored(
    "kitrepo",
    Attr("kitname", "Kit it belongs to."),
    Attr("osbasename", "Distribution it is made for."),
    Attr("osmajorversion", "Major version of that distribution."),
    Attr("osminorversion", "Minor version of that distribution; unset: all."),
    Attr("osarch", "Architecture."),
    Attr("compat_osbasenames", "Comma list of compatible distributions."),
    Attr("kitrepodir", "Directory of the repository."),
)
_MONITORING = stored(
    "monitoring",
    Attr("nodestatmon", "yes or 1: it reports the state of nodes."),
    _COMMENTS,
    _DISABLE,
)
_NETWORK = stored(
    "networks",
    Attr("net", "Network address, such as 10.0.0.0.", form="net"),
    Attr("mask", "Network mask, such as 255.255.255.0, or /64 with IPv6.", form="mask"),
    Attr("mgtifname", "Interface of this host in the network; !remote!NAME: reached through a DHCP relay."),
    Attr("gateway", "Gateway; <xcatmaster>: this host.", form="host"),
    Attr(
        "dhcpserver", "DHCP server; beside that of another host, this one is a proxy.", default="this host", form="host"
    ),
    Attr("tftpserver", "Server to boot from that Kea and ISC dhcpd name.", default="this host", form="hosts"),
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
    _NOTE,
)
_NOTIFICATION = stored(
    "notification",
    Attr("tables", "Comma list of the tables to watch."),
    Attr("tableops", "Comma list of operations: a (row added), d (deleted), u (updated)."),
    _COMMENTS,
)
_OSDISTRO = stored(
    "osdistro",
    Attr("basename", "Distribution, such as rhels."),
    Attr("majorversion", "Major version."),
    Attr("minorversion", "Minor version."),
    Attr("arch", "Architecture."),
    Attr("type", "Linux or AIX."),
    Attr("dirpaths", "Comma list of the directories of its media."),
)
_OSDISTROUPDATE = stored(
    "osdistroupdate",
    Attr("osdistroname", "The osdistro object that it updates."),
    Attr("dirpath", "Directory of the update."),
    Attr("downloadtime", "When it was downloaded."),
    _NOTE,
)
_PASSWD = stored(
    "passwd",
    Attr("username", "User."),
    Attr(
        "password",
        "Password or its hash, or where it is: env:NAME, file:PATH, keyring:NAME.",
        secret=True,
    ),
    Attr("cryptmethod", "How password is hashed, such as sha512; unset: it is not."),
    Attr("authdomain", "Domain of the user."),
    _NOTE,
)
_PDU = stored(
    "pdu",
    Attr("nodetype", "Kind of thing: pdu."),
    Attr("pdutype", "Kind of PDU: ir, cr."),
    Attr("outlet", "Number of its outlets."),
    Attr("username", "User for logging in."),
    Attr("password", "Password for logging in.", secret=True),
    Attr("snmpversion", "SNMP version.", default="SNMPv1"),
    Attr("community", "Community of SNMP v1 and v2.", secret=True),
    Attr("snmpuser", "User of SNMP v3."),
    Attr("authtype", "Authentication of SNMP v3: MD5 or SHA."),
    Attr("authkey", "Passphrase of that authentication.", secret=True),
    Attr("privtype", "Encryption of SNMP v3: AES or DES."),
    Attr("privkey", "Passphrase of that encryption.", secret=True),
    Attr("seclevel", "Security of SNMP v3: noAuthNoPriv, authNoPriv, authPriv."),
    _NOTE,
)
_POLICY = stored(
    "policy",
    Attr("name", "User that it is about.", default="all"),
    Attr("host", "Host from which the command comes.", default="all"),
    Attr("commands", "Comma list of verbs.", default="all"),
    Attr("noderange", "Nodes that it is about.", default="all"),
    Attr("parameters", "Regular expression of the arguments.", default="all"),
    Attr("time", "Time ranges; not used."),
    Attr("rule", "allow, accept or trusted; anything else denies."),
    _NOTE,
)
_RACK = stored(
    "rack",
    Attr("displayname", "Another name of it."),
    Attr("num", "Number of the rack."),
    Attr("height", "Height in units."),
    Attr("room", "Room."),
    _NOTE,
)
_ROUTE = stored(
    "routes",
    Attr("net", "Network address.", form="net"),
    Attr("mask", "Network mask.", form="mask"),
    Attr("gateway", "Gateway to it, usually a service node.", form="host"),
    Attr("ifname", "Interface that faces the gateway; IPv6 routes need it."),
    _NOTE,
)
_TASKSTATE = stored(
    "taskstate",
    Attr("command", "Command that runs.", volatile=True),
    Attr("state", "State of the task.", volatile=True),
    Attr("pid", "Process that asked for it.", volatile=True),
    Attr("reserve", "Locks the node.", volatile=True),
    _DISABLE,
)
_ZONE = stored(
    "zone",
    Attr("sshkeydir", "Directory of the SSH keys that its nodes share."),
    Attr("sshbetweennodes", "Whether root may go from node to node without a password.", _YES_NO, "yes"),
    Attr("defaultzone", "yes or 1: nodes of no other zone belong here.", _YES_NO),
    _NOTE,
)
_ZVMIVP = stored(
    "zvmivp",
    Attr("ip", "Address of the system that is verified.", form="host"),
    Attr("schedule", "Hours at which it runs, with blanks between."),
    Attr("last_run", "When it ran last: year, day of the year, hour."),
    Attr("type_of_run", "fullivp or basicivp."),
    Attr("access_user", "User on the system that is verified."),
    Attr("orch_parms", "Parameters of the orchestrator."),
    Attr("prep_parms", "Parameters of the preparation."),
    Attr("main_ivp_parms", "Parameters of the verification itself."),
    _COMMENTS,
    _DISABLE,
)

ATTRIBUTES = {
    "auditlog": tuple(_AUDITLOG),
    "boottarget": tuple(_BOOTTARGET),
    "eventlog": tuple(_EVENTLOG),
    "firmware": tuple(stored("firmware", _COMMENTS, _DISABLE)),
    "kit": tuple(_KIT),
    "kitcomponent": tuple(_KITCOMPONENT),
    "kitrepo": tuple(_KITREPO),
    "monitoring": tuple(_MONITORING),
    "network": tuple(_NETWORK),
    "notification": tuple(_NOTIFICATION),
    "osdistro": tuple(_OSDISTRO),
    "osdistroupdate": tuple(_OSDISTROUPDATE),
    "passwd": tuple(_PASSWD),
    "pdu": tuple(_PDU),
    "policy": tuple(_POLICY),
    "rack": tuple(_RACK),
    "route": tuple(_ROUTE),
    "taskstate": tuple(_TASKSTATE),
    "zone": tuple(_ZONE),
    "zvmivp": tuple(_ZVMIVP),
}

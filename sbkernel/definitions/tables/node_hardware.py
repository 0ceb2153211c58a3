"""Attributes of node about its hardware: what it is, where it is, and how it is reached."""

from sbkernel.definitions.tables.attribute import Attribute as Attr
from sbkernel.definitions.tables.attribute import honoured, noted, stored

_BMC = ("mgt", ("ipmi", "openbmc", "redfish", "auto"))
_HMC = ("nodetype", ("hmc", "ivm", "ppc"))
_LOGIN = {"mm": "mpa", "websrv": "websrv", "pdu": "pdu"}
_MM = ("nodetype", ("mm",))
_SWITCH = ("nodetype", ("switch",))
_PDU = ("nodetype", ("pdu",))
_SNMP = ("nodetype", ("switch", "pdu"))
_DIRECT = ("mgt", ("fsp", "bpa"))
_POWER = ("mgt", ("hmc", "ivm", "fsp", "bpa"))
_MIC = ("mgt", ("mic",))


def _openbmc(column: str) -> tuple[str, dict[str, str]]:
    return "mgt", {"openbmc": f"openbmc.{column}"}


_BMC_ATTRIBUTES = stored(
    "ipmi",
    Attr(
        "bmc",
        "Address of its BMC: host or host:port.",
        default="UDP port 623 (IPMI), TCP port 443 (Redfish)",
        needs=_BMC,
        form="host",
        instead=_openbmc("bmc"),
        netboot=honoured("rpower", "is where it sends its commands"),
    ),
    Attr(
        "bmcport",
        "Network port of the BMC: 0 shared, 1 its own.",
        needs=("mgt", ("ipmi",)),
        netboot=noted("it is a setting of the BMC"),
    ),
    Attr(
        "bmcvlantag",
        "VLAN of the BMC.",
        needs=_BMC,
        column="taggedvlan",
        instead=_openbmc("taggedvlan"),
        netboot=noted("it is a setting of the BMC"),
    ),
    Attr(
        "bmcusername",
        "User of the BMC.",
        default="passwd object of its mgt, else ipmi",
        needs=_BMC,
        column="username",
        instead=_openbmc("username"),
        netboot=honoured("rpower", "logs in with it"),
    ),
    Attr(
        "bmcpassword",
        "Password, or where it is: env:NAME, file:PATH, keyring:NAME.",
        default="passwd object of its mgt, else ipmi",
        needs=_BMC,
        secret=True,
        column="password",
        instead=_openbmc("password"),
        netboot=honoured("rpower", "logs in with it"),
    ),
    Attr(
        "consport",
        "Port of the console.",
        needs=("mgt", ("openbmc",)),
        column="openbmc.consport",
        netboot=noted("consoles over ssh are not opened; cons=ipmi reaches those that have serial over LAN"),
    ),
)
_OUR_BMC_ATTRIBUTES = (
    Attr(
        "bmckg",
        "Key K_g of the BMC (IPMI), or where it is: env:NAME, file:PATH, keyring:NAME. 0x: hexadecimal.",
        default="none",
        needs=("mgt", ("ipmi", "auto")),
        secret=True,
        netboot=honoured("rpower", "logs in with it, beside the password"),
    ),
    Attr(
        "bmcsystem",
        "Id of this node among the systems of its BMC (Redfish).",
        default="the only one, or the one of this name",
        netboot=honoured("rpower", "is the one that it asks for"),
    ),
    Attr(
        "bmcfingerprint",
        "SHA-256 of the certificate of its BMC (Redfish); written when it is first seen.",
        pattern=r"[0-9a-f]{64}",
        volatile=True,
        netboot=honoured("rpower", "talks to no BMC that shows another one"),
    ),
    Attr(
        "bmchostkey",
        "Fingerprint of the ssh key of its BMC (cons=redfish); written when it is first seen.",
        pattern=r"SHA256:[A-Za-z0-9+/]{43}",
        volatile=True,
        netboot=honoured("rcons", "opens no console of a BMC that shows another one"),
    ),
)
_LOGINS = (
    Attr(
        "username",
        "User of this management module, HMC, switch, PDU or web server.",
        needs=("nodetype", (*_HMC[1], *_LOGIN, "switch")),
        column="ppchcp.username",
        instead=("nodetype", {"switch": "switches.sshusername", **{k: f"{v}.username" for k, v in _LOGIN.items()}}),
    ),
    Attr(
        "password",
        "Password of this management module, HMC, switch, PDU or web server.",
        needs=("nodetype", (*_HMC[1], *_LOGIN, "switch")),
        secret=True,
        column="ppchcp.password",
        instead=("nodetype", {"switch": "switches.sshpassword", **{k: f"{v}.password" for k, v in _LOGIN.items()}}),
    ),
    *(
        Attr(f"passwd.{user}", f"Password of {user}.", needs=_DIRECT, secret=True)
        for user in ("HMC", "admin", "celogin", "general", "hscroot")
    ),
    Attr("webport", "Port of the web server.", needs=("nodetype", ("websrv",)), column="websrv.port"),
)
_PPC = stored(
    "ppc",
    Attr("hcp", "What controls it: HMC, IVM, frame or CEC.", instead=("mgt", {"zvm": "zvm.hcp"})),
    Attr("id", "Number of the partition, cage, frame or slot.", instead=("mgt", {"blade": "mp.id"})),
    Attr("pprofile", "Partition profile for the next start.", needs=("mgt", ("hmc", "ivm", "fsp"))),
    Attr("parent", "What it is part of: the CEC of a partition, the frame of a CEC.", needs=_POWER),
    Attr(
        "hwtype",
        "Kind of hardware: fsp, bpa, cec, frame, ivm, hmc, lpar, mm, cmm, blade, vm, mic.",
        needs=("mgt", (*_POWER[1], "zvm", "blade", "ipmi", "mic")),
        column="nodetype",
        instead=(
            "mgt",
            {"zvm": "zvm.nodetype", "blade": "mp.nodetype", "ipmi": "mp.nodetype", "mic": "mic.nodetype"},
        ),
    ),
    Attr("supernode", "Place in an HFI network."),
    Attr("sfp", "HMC that collects service events of this frame."),
    Attr("userid", "User of this z/VM guest.", needs=("mgt", ("zvm",)), column="zvm.userid"),
)
_BLADE = (
    Attr("mpa", "Management module of this blade.", column="mp.mpa"),
    Attr("slotid", "Slot number.", needs=("mgt", ("fsp", "ipmi")), column="mp.id"),
    Attr("displayname", "Another name of the chassis.", needs=_MM, column="mpa.displayname"),
    Attr("slots", "Number of slots of the chassis.", needs=_MM, column="mpa.slots"),
    Attr("urlpath", "Path of the chassis' web pages.", needs=_MM, column="mpa.urlpath", is_path=True),
)
_PLACE = (
    *stored(
        "nodepos",
        Attr("rack", "Rack."),
        Attr("unit", "Unit in the rack.", column="u"),
        Attr("chassis", "Chassis."),
        Attr("slot", "Slot in the chassis."),
        Attr("room", "Room."),
        Attr("height", "Height in units."),
    ),
    *stored(
        "switch",
        Attr("switch", "Switch it is connected to."),
        Attr("switchport", "Port of that switch.", column="port"),
        Attr("switchvlan", "VLAN of that port.", column="vlan"),
        Attr("switchinterface", "Interface that is connected, such as eth0.", column="interface"),
    ),
    Attr("pdu", "Comma list of PDU:OUTLET that feed it.", column="pduoutlet.pdu"),
)
_INVENTORY = (
    *stored(
        "vpd",
        Attr("serial", "Serial number."),
        Attr("mtm", "Machine type and model."),
        Attr("side", "Side and port of an FSP or BPA."),
    ),
    *stored(
        "hwinv",
        Attr("cputype", "Type of its processors."),
        Attr("cpucount", "Number of its processors."),
        Attr("memory", "Its memory."),
        Attr("disksize", "Size of its disks."),
    ),
)
_SNMP_ATTRIBUTES = (
    Attr(
        "snmpversion",
        "SNMP version of this switch or PDU.",
        default="SNMPv1",
        needs=_SNMP,
        column="switches.snmpversion",
        instead=("nodetype", {"pdu": "pdu.snmpversion"}),
    ),
    *stored(
        "switches",
        Attr("snmpusername", "SNMP v3 user of this switch.", needs=_SWITCH, column="username"),
        Attr("snmppassword", "SNMP password or community.", needs=_SWITCH, secret=True, column="password"),
        Attr("snmpprivacy", "SNMP v3 encryption, such as DES.", needs=_SWITCH, column="privacy"),
        Attr("snmpauth", "SNMP v3 authentication.", default="SHA", needs=_SWITCH, column="auth"),
        Attr("linkports", "Ports that lead to other switches, as port:switch.", needs=_SWITCH),
        Attr("protocol", "How commands reach this switch: ssh or telnet.", default="ssh", needs=_SWITCH),
        Attr("switchtype", "Kind of switch: Mellanox, Cisco, BNT, Juniper, onie ...", needs=_SWITCH),
    ),
    *stored(
        "pdu",
        Attr("pdutype", "Kind of PDU: ir, cr.", needs=_PDU),
        Attr("outlet", "Number of outlets of this PDU.", needs=_PDU),
        Attr("community", "SNMP v1 and v2 community of this PDU.", needs=_PDU, secret=True),
        Attr("snmpuser", "SNMP v3 user of this PDU.", needs=_PDU),
        Attr("authtype", "SNMP v3 authentication of this PDU: MD5 or SHA.", needs=_PDU),
        Attr("authkey", "Passphrase of that authentication.", needs=_PDU, secret=True),
        Attr("privtype", "SNMP v3 encryption of this PDU: AES or DES.", needs=_PDU),
        Attr("privkey", "Passphrase of that encryption.", needs=_PDU, secret=True),
        Attr("seclevel", "SNMP v3 security: noAuthNoPriv, authNoPriv, authPriv.", needs=_PDU),
    ),
)
_MIC_ATTRIBUTES = stored(
    "mic",
    Attr("michost", "Host of this card.", needs=_MIC, column="host"),
    Attr("micid", "Number of this card.", needs=_MIC, column="id"),
    Attr("micbridge", "Bridge of the host.", needs=_MIC, column="bridge"),
    Attr("miconboot", "Whether it starts with its host.", needs=_MIC, column="onboot"),
    Attr("micvlog", "Whether it logs to its console.", needs=_MIC, column="vlog"),
    Attr("micpowermgt", "Its power states.", needs=_MIC, column="powermgt"),
)

ATTRIBUTES = (
    *_BMC_ATTRIBUTES,
    *_OUR_BMC_ATTRIBUTES,
    *_LOGINS,
    *_PPC,
    *_BLADE,
    *_PLACE,
    *_INVENTORY,
    *_SNMP_ATTRIBUTES,
    *_MIC_ATTRIBUTES,
)

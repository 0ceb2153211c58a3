"""Attributes of site: settings of the whole site (xCAT table site). xCAT accepts any key here, and so do we.

Only the settings that this program uses have a closed set of values. The others are stored for other tools.
"""

from sbkernel.definitions.tables.attribute import Attribute as Attr
from sbkernel.definitions.tables.attribute import honoured, noted, refused

_PORT = r"\d{1,5}"
_NUMBER = r"\d+"

_NO_SERVICE_NODES = noted("a service node is a cache, and holds nothing of its own")
_EVERY_BOOT = noted("stateless nodes run all their scripts at every boot, as nodeset wrote them down")

_USED = (
    Attr(
        "installdir",
        "Directory of images, lists and packages.",
        default="install in the site",
        pattern="/.+",
        netboot=honoured("genimage", "lists and trees of images lie there"),
    ),
    Attr(
        "tftpdir",
        "Directory of what DHCP, TFTP and HTTP serve.",
        default="boot in the site",
        pattern="/.+",
        netboot=honoured("nodeset", "writes the nodes' boot files there"),
    ),
    Attr(
        "master",
        "Address at which nodes reach this host.",
        form="host",
        netboot=honoured("nodeset", "nodes fetch their image from there, unless they have an xcatmaster"),
    ),
    Attr(
        "domain", "DNS domain of the nodes.", netboot=honoured("nodeset", "completes the node's name in its hosts file")
    ),
    Attr(
        "nameservers",
        "Comma list of name servers of the nodes; <xcatmaster>: the node's server.",
        form="hosts",
        netboot=honoured("the service", "tells nodes by DHCP, where their network names none"),
    ),
    Attr(
        "forwarders",
        "Comma list of name servers asked for other names.",
        form="hosts",
        netboot=noted("no name server is run here"),
    ),
    Attr(
        "ntpservers",
        "Comma list of time servers of the nodes; <xcatmaster>: the node's server.",
        form="hosts",
        netboot=honoured("nodeset", "nodes ask them for the time, where their network names none"),
    ),
    Attr(
        "bmccafile",
        "File of the certificates (PEM) that sign those of the BMCs (Redfish).",
        default="none: each BMC is known by its own certificate",
        pattern="/.+",
        netboot=honoured("rpower", "talks to no BMC whose certificate they do not sign"),
    ),
    Attr(
        "dhcpinterfaces",
        "Comma list of interfaces on which DHCP is served.",
        default="none",
        netboot=honoured("the service", "serves DHCP there"),
    ),
    Attr(
        "dhcplease",
        "Length of a lease in seconds.",
        default="43200",
        pattern=r"\d+|infinite",
        netboot=honoured("the service", "leases last that long"),
    ),
    Attr(
        "dhcpbackend",
        "DHCP server of the nodes.",
        ("auto", "dnsmasq", "kea", "isc"),
        default="dnsmasq",
        netboot=honoured(
            "makedhcp", "dnsmasq is run by the service; for kea and isc, files are written and nodeset keeps them"
        ),
    ),
    Attr(
        "dhcpdir",
        "Directory of the files for kea and isc.",
        default="dhcp in the site",
        pattern="/.+",
        netboot=honoured("makedhcp", "writes them there"),
    ),
    Attr(
        "discoverwait",
        "Seconds for which a machine that is no node asks for its boot script before it boots something else.",
        default="300",
        pattern=r"\d{1,8}",
        netboot=honoured("the service", "tells the machine how often it may ask; nodediscoverdef makes a node of it"),
    ),
    Attr(
        "dhcpsetup",
        "n: nodeset does not touch DHCP.",
        ("y", "n", "yes", "no", "0", "1"),
        "y",
        netboot=honoured("nodeset", "tells DHCP of the nodes, unless it is n"),
    ),
    Attr(
        "httpport",
        "TCP port of the boot server.",
        default="chosen when the site is made",
        pattern=_PORT,
        netboot=honoured("nodeset", "nodes fetch from this port"),
    ),
    Attr(
        "httpmethod",
        "Protocol of the boot server.",
        ("http", "https"),
        "http",
        netboot=refused("nodeset", "images are served by HTTP, and checked by their sha256", accepts=("http",)),
    ),
    Attr(
        "syslogport",
        "Port that takes the nodes' log lines.",
        default="chosen when the site is made",
        pattern=_PORT,
        netboot=honoured("nodeset", "nodes send their log there"),
    ),
    Attr(
        "nodestatus",
        "n: nodes do not report their state.",
        ("y", "n", "yes", "no", "0", "1"),
        "y",
        netboot=honoured("nodeset", "nonodestatus on the kernel's command line if it is n or 0"),
    ),
    Attr(
        "timezone",
        "Time zone of the nodes, such as Europe/Vienna.",
        netboot=honoured("genimage", "sets it in the image; packimage keeps the zone, whatever the exlist says"),
    ),
    Attr(
        "secureroot",
        "1: root of the nodes has no password.",
        ("0", "1"),
        netboot=honoured("nodeset", "with 1, root logs in with keys alone; an image never holds a password"),
    ),
    Attr(
        "consoleondemand",
        "Open consoles only while somebody looks.",
        ("yes", "no", "1", "0", "y", "n"),
        "no",
        netboot=noted("consoles are kept open, so that nothing that a node said is lost"),
    ),
    Attr(
        "xcatdebugmode",
        "How much nodes say while they boot.",
        ("0", "1", "2"),
        "0",
        netboot=honoured("nodeset", "with 1, kernel and systemd say more; with 2, a failed boot ends in a shell"),
    ),
    Attr("excludenodes", "Noderange that no verb touches.", netboot=honoured("nodeset", "leaves them out")),
    Attr(
        "cachesize",
        "Bytes that the cache may take, such as 20G.",
        default="20G",
        pattern=r"\d{1,15}(\.\d{1,9})? ?[kKmMgGtT]?B?",
        netboot=honoured("genimage", "removes what was used longest ago when a build is done"),
    ),
    Attr(
        "attention", "YAML file of groups of packages that diffs point at.", default="kernel, slurm, …", pattern="/.+"
    ),
    Attr(
        "ubuntu_apt_mirror",
        "Package mirror of Ubuntu images.",
        netboot=honoured("genimage", "packages of Ubuntu come from there where pkgdir is unset"),
    ),
    Attr(
        "mailserver",
        "HOST or HOST:PORT of the mail server (SMTP) that takes what schedules report.",
        default="sendmail or mail of this host",
        pattern=r"[A-Za-z0-9_.:\[\]-]+",
    ),
    Attr("mailfrom", "Address that such mail comes from.", default="sbkernel@ this host"),
)
_NODES = (
    Attr(
        "SNsyncfiledir",
        "Directory of synced files on service nodes.",
        default="/var/xcat/syncfiles",
        netboot=_NO_SERVICE_NODES,
    ),
    Attr(
        "nodesyncfiledir",
        "Directory of synced files on nodes.",
        default="/var/xcat/node/syncfiles",
        netboot=noted("updatenode keeps there what files were before APPEND: changed them"),
    ),
    Attr("runbootscripts", "yes: installed nodes run postbootscripts at every boot.", netboot=_EVERY_BOOT),
    Attr("precreatemypostscripts", "yes: write the nodes' scripts beforehand.", netboot=_EVERY_BOOT),
    Attr("cleanupxcatpost", "yes: remove the postscripts after they ran.", netboot=_EVERY_BOOT),
    Attr("cleanupdiskfullxcatpost", "yes: remove the postscripts of installed nodes after they ran."),
    Attr("useflowcontrol", "yes: postscripts ask before they start.", netboot=_EVERY_BOOT),
    Attr(
        "managedaddressmode",
        "How addresses are given: static or dhcp.",
        default="dhcp",
        netboot=refused("nodeset", "nodes get their addresses by DHCP", accepts=("dhcp",)),
    ),
    Attr("setinstallnic", "1: the interface that boots gets a fixed address."),
    Attr("mnroutenames", "Comma list of route objects of this host."),
    Attr(
        "sshbetweennodes",
        "Comma list of groups with SSH between nodes; ALLGROUPS, NOGROUPS.",
        default="ALLGROUPS",
        netboot=noted("keys of the site open all nodes; nodes have no key for each other"),
    ),
    Attr("nmapoptions", "Further options of nmap."),
    Attr("genmacprefix", "Beginning of generated MAC addresses."),
    Attr("genpasswords", "Generate passwords of BMCs."),
    Attr("bmc_timeout", "Seconds to wait for a BMC that is set up."),
)
_SERVERS = (
    Attr("disjointdhcps", "1: service nodes serve only their own nodes.", default="0", netboot=_NO_SERVICE_NODES),
    Attr("dhcpomapialgorithm", "Algorithm of the key between DHCP and the program."),
    Attr("pruneservices", "yes: noderm removes a node from DHCP."),
    Attr("dnshandler", "What keeps DNS.", default="ddns"),
    Attr("externaldns", "Any value: DNS is kept elsewhere."),
    Attr("dnsupdaters", "Lines added to the zones of the name server, a comma list."),
    Attr("dnsinterfaces", "Interfaces on which DNS is served, as HOST|if1,if2;GROUP|if3."),
    Attr("namedincludes", "Files that the name server includes."),
    Attr("emptyzonesenable", "Whether the name server has its empty zones."),
    Attr("dnsforwardmode", "Whether forwarders are asked first or only."),
    Attr("extntpservers", "Comma list of time servers of this host.", form="hosts"),
    Attr(
        "sharedtftp",
        "1: all servers share one boot directory; a host name: it is mounted from there.",
        default="1",
        netboot=_NO_SERVICE_NODES,
    ),
    Attr("sharedinstall", "no, sns or all: which servers share installdir.", default="no"),
    Attr("installloc", "Where service nodes mount installdir from, as host:path."),
    Attr("tftpflags", "Options of the TFTP server."),
    Attr("vsftp", "y: start an FTP server."),
    Attr("svloglocal", "1: service nodes keep their log."),
    Attr(
        "consoleservice",
        "Which program keeps consoles: conserver, goconserver, confluent.",
        netboot=noted("the service keeps consoles"),
    ),
    Attr("iscsidir", "Directory of iSCSI disks."),
    Attr("snmpc", "SNMP community of switches."),
)
_HARDWARE = (
    Attr("defserialport", "Serial port where none is known.", pattern=_NUMBER),
    Attr("defserialspeed", "Serial speed where none is known.", pattern=_NUMBER),
    Attr("defserialflow", "Serial flow control where none is known."),
    Attr("ipmidispatch", "n: BMCs are reached from here, never from service nodes.", default="y"),
    Attr("ipmimaxp", "How many BMCs are talked to at once.", default="64"),
    Attr("ipmiretries", "How often a BMC is asked again.", default="3"),
    Attr("ipmisdrcache", "no: sensor records of BMCs are not kept."),
    Attr("ipmitimeout", "Seconds to wait for a BMC.", default="2"),
    Attr("openbmcmaxp", "How many OpenBMCs are talked to at once."),
    Attr("hwctrldispatch", "n: hardware is reached from here, never from service nodes.", default="y"),
    Attr("maxssh", "How many SSH connections to hardware control at once.", default="8"),
    Attr("powerinterval", "Seconds between two partitions that are powered.", default="0"),
    Attr(
        "syspowerinterval",
        "Seconds between two sets of servers that are powered.",
        default="0",
        pattern=r"\d{1,6}(\.\d{1,3})?",
        netboot=honoured("rpower", "waits so long before it starts the next set; 0: does not wait"),
    ),
    Attr(
        "syspowermaxnodes",
        "How many servers make such a set.",
        default="8 at once and then 4 a second in each rack, 40 a second in all",
        pattern=r"[1-9]\d{0,6}",
        netboot=honoured("rpower", "starts so many nodes at once"),
    ),
    Attr(
        "powerdomain",
        "Attribute of nodes, such as rack or pdu: nodes with the same value are fed by the same breaker.",
        default="rack",
        pattern=r"[a-z][a-z0-9]*",
        netboot=honoured("rpower", "starts the nodes of each value one after the other"),
    ),
    Attr("rflash_delay", "Seconds to wait after firmware was written."),
    Attr("blademaxp", "How many management modules at once.", default="64"),
    Attr("fsptimeout", "Milliseconds to wait for an FSP.", default="0"),
    Attr("enableASMI", "yes: use ASMI too.", default="no"),
    Attr("ppcmaxp", "How many HCPs at once.", default="64"),
    Attr("ppcretry", "How often an HMC is asked again.", default="3"),
    Attr("ppctimeout", "Milliseconds to wait for an HMC.", default="0"),
    Attr("ea_primary_hmc", "HMC that gets events of switches."),
    Attr("ea_backup_hmc", "HMC that gets them when the first is down."),
    Attr("usexhrm", "yes: a script sets up bridges of virtual machines."),
    Attr("vcenterautojoin", "no: hypervisors are not joined to a vCenter."),
    Attr("vmwarereconfigonpower", "no: processors and memory are not set at power on."),
    Attr("persistkvmguests", "Any value: definitions of KVM guests stay when they are off."),
)
_XCAT = (
    Attr(
        "xcatdport",
        "Port of xcatd.",
        default="3001",
        pattern=_PORT,
        netboot=noted("there is no xcatd; nodes report to httpport"),
    ),
    Attr(
        "xcatiport",
        "Port of installation status.",
        default="3002",
        pattern=_PORT,
        netboot=noted("there is no xcatd; nodes report to httpport"),
    ),
    Attr("xcatlport", "Port of xcatd's command log.", pattern=_PORT),
    Attr("xcatconfdir", "Directory of xCAT's settings.", default="/etc/xcat"),
    Attr("xcatmaxconnections", "How many requests xcatd serves at once.", default="64"),
    Attr("xcatmaxbatchconnections", "How many of them may be of nodes.", default="50"),
    Attr("xcatsslversion", "TLS version of xcatd."),
    Attr("xcatsslciphers", "TLS ciphers of xcatd."),
    Attr("xcattlspolicy", "TLS policy of xcatd."),
    Attr("auditnosyslog", "1: commands are not written to syslog.", default="0"),
    Attr("auditskipcmds", "Comma list of commands that are not logged; ALL."),
    Attr("skiptables", "Comma list of tables that a dump of the database leaves out."),
    Attr("skipvalidatelog", "1: requests for credentials are not logged."),
    Attr("databaseloc", "Directory of a DB2 database.", default="/var/lib"),
    Attr("db2installloc", "Where service nodes mount DB2 from.", default="/mntdb2"),
    Attr("useNmapfromMN", "yes: nodestat asks from here, not from service nodes.", default="no"),
    Attr("nimprime", "Name of the NIM server."),
    Attr("useSSHonAIX", "no: AIX nodes are reached by rsh.", default="yes"),
    Attr("useNFSv4onAIX", "yes: NIM uses NFS version 4.", default="no"),
)

ATTRIBUTES = {"site": (*_USED, *_NODES, *_SERVERS, *_HARDWARE, *_XCAT)}

"""xCAT's tables: their columns in the order of tabdump, key columns first (xCAT: tabdump, xcatdb(5))."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Columns(NamedTuple):
    """The columns of a table."""

    names: tuple[str, ...]
    """In the order of tabdump."""
    keys: tuple[str, ...]
    """The columns that identify a row, the name of the object first."""


# The columns before `|` are the keys. In networks, xCAT uses net and mask instead.
_TABLES = """
auditlog       recid | audittime userid clientname clienttype command noderange args status comments disable
bootparams     node | kernel initrd kcmdline addkcmdline dhcpstatements adddhcpstatements comments disable
boottarget     bprofile | kernel initrd kcmdline comments disable
cfgmgt         node | cfgmgr cfgserver roles comments disable
chain          node | currstate currchain chain ondiscover comments disable
deps           node cmd | nodedep msdelay comments disable
discoverydata  uuid | node method discoverytime arch cpucount cputype memory mtm serial nicdriver nicipv4 nichwaddr nicpci nicloc niconboard nicfirm switchname switchaddr switchdesc switchport otherdata comments disable
domain         node | ou authdomain adminuser adminpassword type comments disable
eventlog       recid | eventtime eventtype monitor monnode node application component id severity message rawdata comments disable
firmware       node | cfgfile comments disable
hosts          node | ip hostnames otherinterfaces comments disable
hwinv          node | cputype cpucount memory disksize comments disable
hypervisor     node | type mgr interface netmap defaultnet cluster datacenter preferdirect comments disable
ipmi           node | bmc bmcport taggedvlan bmcid username password comments disable
iscsi          node | server target lun iname file userid passwd kernel kcmdline initrd comments disable
kit            kitname | basename description version release ostype isinternal kitdeployparams kitdir comments disable
kitcomponent   kitcompname | description kitname kitreponame basename version release serverroles kitpkgdeps prerequisite driverpacks kitcompdeps postbootscripts genimage_postinstall exlist comments disable
kitrepo        kitreponame | kitname osbasename osmajorversion osminorversion osarch compat_osbasenames kitrepodir comments disable
kvm_masterdata name | xml comments disable
kvm_nodedata   node | xml comments disable
linuximage     imagename | template boottarget addkcmdline pkglist pkgdir otherpkglist otherpkgdir exlist postinstall rootimgdir kerneldir nodebootif otherifce netdrivers kernelver krpmver permission dump crashkernelsize partitionfile driverupdatesrc comments disable
litefile       image file | options comments disable
litetree       priority | image directory mntopts comments disable
mac            node | interface mac comments disable
mic            node | host id nodetype bridge onboot vlog powermgt comments disable
monitoring     name | nodestatmon comments disable
monsetting     name key | value comments disable
mp             node | mpa id nodetype comments disable
mpa            mpa | username password displayname slots urlpath comments disable
networks       netname | net mask mgtifname gateway dhcpserver tftpserver nameservers ntpservers logservers dynamicrange staticrange staticrangeincrement nodehostname ddnsdomain vlanid domain mtu comments disable
nics           node | nicips nichostnamesuffixes nichostnameprefixes nictypes niccustomscripts nicnetworks nicaliases nicextraparams nicdevices nicsadapter comments disable
nimimage       imagename | nimtype lpp_source spot root dump paging resolv_conf tmp home shared_home res_group nimmethod script bosinst_data installp_bundle mksysb fb_script shared_root otherpkgs image_data configdump comments disable
nodegroup      groupname | grouptype members membergroups wherevals comments disable
nodehm         node | power mgt cons termserver termport conserver serialport serialspeed serialflow getmac cmdmapping consoleondemand consoleenabled comments disable
nodelist       node | groups status statustime appstatus appstatustime primarysn hidden updatestatus updatestatustime zonename comments disable
nodepos        node | rack u chassis slot room height comments disable
noderes        node | servicenode netboot tftpserver tftpdir nfsserver monserver nfsdir installnic primarynic discoverynics cmdinterface xcatmaster current_osimage next_osimage nimserver routenames nameservers proxydhcp syslog comments disable
nodetype       node | os arch profile provmethod supportedarchs nodetype comments disable
notification   filename | tables tableops comments disable
openbmc        node | bmc consport taggedvlan username password comments disable
osdistro       osdistroname | basename majorversion minorversion arch type dirpaths comments disable
osdistroupdate osupdatename | osdistroname dirpath downloadtime comments disable
osimage        imagename | groups profile imagetype description provmethod rootfstype nfsrootopts osdistroname osupdatename cfmdir osname osvers osarch synclists postscripts postbootscripts serverrole isdeletable kitcomponents environvar comments disable
passwd         key username | password cryptmethod authdomain comments disable
pdu            node | nodetype pdutype outlet username password snmpversion community snmpuser authtype authkey privtype privkey seclevel comments disable
pduoutlet      node | pdu comments disable
performance    timestamp node attrname | attrvalue comments disable
policy         priority | name host commands noderange parameters time rule comments disable
postscripts    node | postscripts postbootscripts comments disable
ppc            node | hcp id pprofile parent nodetype supernode sfp comments disable
ppcdirect      hcp username | password comments disable
ppchcp         hcp | username password comments disable
prescripts     node | begin end comments disable
prodkey        node product | key comments disable
rack           rackname | displayname num height room comments disable
routes         routename | net mask gateway ifname comments disable
servicenode    node | nameserver dhcpserver tftpserver nfsserver conserver monserver ldapserver ntpserver ftpserver nimserver ipforward dhcpinterfaces proxydhcp comments disable
site           key | value comments disable
statelite      node | image statemnt mntopts comments disable
storage        node | osvolume size state storagepool hypervisor fcprange volumetag type controller comments disable
switch         node switch port | vlan interface comments disable
switches       switch | snmpversion username password privacy auth linkports sshusername sshpassword protocol switchtype comments disable
taskstate      node | command state pid reserve disable
token          tokenid | username expire comments disable
virtsd         node | sdtype stype location host cluster datacenter comments disable
vm             node | mgr host migrationdest storage storagemodel storagecache storageformat cfgstore memory cpus nics nicmodel bootorder clockoffset virtflags master vncport textconsole powerstate beacon datacenter cluster guestostype othersettings physlots vidmodel vidproto vidpassword comments disable
vmmaster       name | os arch profile storage storagemodel nics vintage originator virttype specializeparameters comments disable
vpd            node | serial mtm side asset uuid comments disable
websrv         node | port username password comments disable
winimage       imagename | template installto partitionfile winpepath comments disable
zone           zonename | sshkeydir sshbetweennodes defaultzone comments disable
zvm            node | hcp userid nodetype parent comments disable discovered status
zvmivp         id | ip schedule last_run type_of_run access_user orch_parms prep_parms main_ivp_parms comments disable
"""  # noqa: E501

# In deps, the second key is not the second column.
_IN_ORDER = {"deps": ("node", "nodedep", "msdelay", "cmd", "comments", "disable")}


def _read(line: str) -> tuple[str, Columns]:
    name, _, rest = line.partition(" ")
    keys, _, others = rest.partition("|")
    return name, Columns(_IN_ORDER.get(name, (*keys.split(), *others.split())), tuple(keys.split()))


COLUMNS: Mapping[str, Columns] = dict(map(_read, _TABLES.strip().splitlines()))

# The tables that show objects of a type. Every object has a row in the first one.
TABLES_OF = {
    "boottarget": ("boottarget",),
    "group": ("nodegroup",),
    "kit": ("kit",),
    "kitcomponent": ("kitcomponent",),
    "kitrepo": ("kitrepo",),
    "monitoring": ("monitoring",),
    "network": ("networks",),
    "notification": ("notification",),
    "osdistro": ("osdistro",),
    "osdistroupdate": ("osdistroupdate",),
    "osimage": ("osimage", "linuximage", "nimimage", "winimage"),
    "passwd": ("passwd",),
    "policy": ("policy",),
    "rack": ("rack",),
    "route": ("routes",),
    "site": ("site",),
    "zone": ("zone",),
    "zvmivp": ("zvmivp",),
}
# Tables that show nodes and groups although their key has another name.
NODE_KEYS = {"mpa": "mpa", "ppcdirect": "hcp", "ppchcp": "hcp", "switches": "switch"}
# Tables with a column `node` that is not their key.
NOT_OF_NODES = ("auditlog", "discoverydata", "eventlog", "performance")

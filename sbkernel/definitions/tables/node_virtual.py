"""Attributes of node about virtual machines, their hosts, and services beside xCAT's own."""

from sbkernel.definitions.tables.attribute import ROOT_KINDS, honoured, noted, stored
from sbkernel.definitions.tables.attribute import Attribute as Attr

LOCAL = "localhost"
"""The value of vmhost for nodes that the site runs itself."""
BIOS, UEFI, UEFI_HTTP = "bios", "uefi", "uefi-http"
"""The values of vmfirmware."""

_NUMBER = r"\d+"
_DOCKER = ("mgt", ("docker",))

_VM = stored(
    "vm",
    Attr(
        "vmhost",
        "Host of this virtual node; localhost: run by the site itself.",
        column="host",
        netboot=honoured("mkvm", "localhost means that the site runs it"),
    ),
    Attr(
        "vmcpus",
        "Number of its processors.",
        pattern=rf"{_NUMBER}(,\S+)*",
        column="cpus",
        netboot=honoured("mkvm", "gives it that many"),
    ),
    Attr(
        "vmmemory",
        "Its memory in MiB, or with a unit: 4G.",
        pattern=rf"{_NUMBER}[kKmMgGtT]?[bB]?",
        column="memory",
        netboot=honoured("mkvm", "gives it that much"),
    ),
    Attr(
        "vmnics",
        "Its network: `user` or the name of a bridge.",
        column="nics",
        netboot=honoured("mkvm", "connects its card to it"),
    ),
    Attr(
        "vmnicnicmodel",
        "Model of its network card.",
        default="virtio",
        column="nicmodel",
        netboot=noted("its card is always virtio"),
    ),
    Attr(
        "vmstorage",
        "Its disk: the path of a file of this host. What xCAT calls a pool (dir:, nfs:) is no disk here.",
        column="storage",
        is_path=True,
        netboot=honoured("mkvm", "is its disk, which images do not touch; nodeset NODE boot boots it"),
    ),
    Attr("vmstoragemodel", "Model of its disk controller.", column="storagemodel"),
    Attr("vmstoragecache", "Cache of its disks: none, writethrough, writeback.", column="storagecache"),
    Attr(
        "vmstorageformat",
        "Format of its disk: raw, qcow2.",
        default="raw",
        column="storageformat",
        netboot=honoured("mkvm", "says how the file of its disk is read"),
    ),
    Attr("vmcfgstore", "Where its definition is stored.", column="cfgstore", is_path=True),
    Attr("vmbootorder", "Its boot order, such as net,hd.", column="bootorder"),
    Attr("vmvirtflags", "Flags of the hypervisor, as flag=value.", column="virtflags"),
    Attr("vmmaster", "Image that it was cloned from.", column="master"),
    Attr("vmvncport", "Port of its screen.", column="vncport", netboot=noted("its console is serial")),
    Attr("vmtextconsole", "Its console on the host.", column="textconsole"),
    Attr("vmbeacon", "State of its identify light.", column="beacon"),
    Attr("vmcluster", "Cluster of its host.", column="cluster"),
    Attr("vmmanager", "Manager of virtual machines.", column="mgr"),
    Attr("vmothersetting", "Further settings, as key:value;key:value.", column="othersettings"),
    Attr("vmphyslots", "Comma list of physical slots that it gets.", column="physlots"),
    Attr("migrationdest", "Noderange of hosts that it may move to."),
    Attr("dockerhost", "Host of this container.", needs=_DOCKER, column="host"),
    Attr("dockercpus", "Number of its processors.", needs=_DOCKER, column="cpus"),
    Attr("dockermemory", "Its memory in MiB.", needs=_DOCKER, column="memory"),
    Attr("dockernics", "Its network.", needs=_DOCKER, column="nics"),
    Attr("dockerflag", "Further settings.", needs=_DOCKER, column="othersettings"),
)
_HYPERVISOR = stored(
    "hypervisor",
    Attr("hosttype", "Kind of hypervisor that this host runs.", column="type"),
    Attr("hostinterface", "Its interfaces, as net:name:protocol:ip:mask:gateway with | between.", column="interface"),
    Attr("hostmanager", "Manager of this host.", column="mgr"),
    Attr("hostcluster", "Cluster of this host.", column="cluster"),
)
_STORAGE = stored(
    "storage",
    Attr("osvolume", "Where the operating system goes: localdisk, usbdisk, wwn=..."),
    Attr("storagcontroller", "Controller of its volumes.", column="controller"),
    Attr("storagetype", "Kind of its storage.", column="type"),
)
_ISCSI = stored(
    "iscsi",
    Attr("iscsiserver", "iSCSI server that it boots from.", column="server", form="host"),
    Attr("iscsitarget", "iSCSI target that it boots from.", column="target"),
    Attr("iscsiuserid", "iSCSI user.", column="userid"),
    Attr("iscsipassword", "iSCSI password.", secret=True, column="passwd"),
)
_DOMAIN = stored(
    "domain",
    Attr("ou", "Organisational unit of its account."),
    Attr("authdomain", "Directory domain it belongs to."),
    Attr("domainadminuser", "Administrator of that domain.", column="adminuser"),
    Attr("domainadminpassword", "Password of that administrator.", secret=True, column="adminpassword"),
    Attr("domaintype", "Kind of domain: activedirectory.", column="type"),
)
_CFGMGT = stored(
    "cfgmgt",
    Attr("cfgmgr", "Configuration manager: chef or puppet."),
    Attr("cfgserver", "Server of the configuration manager."),
    Attr("cfgmgtroles", "Comma list of roles it has there.", column="roles"),
)

ATTRIBUTES = (
    *_VM,
    *_HYPERVISOR,
    *_STORAGE,
    *_ISCSI,
    *_DOMAIN,
    *_CFGMGT,
    Attr("productkey", "Product key of its operating system.", secret=True, column="prodkey.key"),
    Attr(
        "diskimage",
        "osimage that its disk was installed with; written by nodeset when another one takes its place.",
        netboot=honoured("nodeset", "is what the node is said to be when nodeset NODE boot sends it to its disk"),
    ),
    Attr(
        "rootkind",
        "Where its root lies: one of the kinds in rootkind of its osimage.",
        ROOT_KINDS,
        default="the first in rootkind of its osimage",
        netboot=honoured("nodeset", "takes the place of the osimage's"),
    ),
    Attr(
        "held",
        "WHO: WHY, written by hold and release: nobody shall touch it.",
        pattern=r"[^:\x00-\x1f\x7f]+:[^\x00-\x1f\x7f]*",
        netboot=honoured("rpower", "it is not powered, and neither rsetboot nor nodeset changes what it boots"),
    ),
    Attr(
        "vmfirmware",
        "Firmware of this virtual node: bios, uefi (PXE), uefi-http (HTTP boot, no PXE).",
        (BIOS, UEFI, UEFI_HTTP),
        default="bios; uefi where the architecture has no BIOS",
        netboot=honoured("mkvm", "is what it starts with; UEFI keeps its variables from one start to the next"),
    ),
    Attr(
        "simulated",
        "How it behaves, as it is no machine: ok, dead, slow, loss=1%, stuck=STAGE, checksum, panic, speed=10, seed=1.",
        pattern=r"[a-z0-9=%.,-]+",
        netboot=honoured("simulate", "it is simulated, with these troubles, for practice"),
    ),
    Attr(
        "throwaway",
        "What it was made for, such as testboot: it goes when the process that made it has ended.",
        ("testboot",),
        netboot=honoured("testboot", "is removed with its boot files and logs"),
    ),
    Attr("vmsshport", "Port of our loopback that leads to its port 22 (vmnics=user).", pattern=_NUMBER),
)

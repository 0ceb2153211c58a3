"""Attributes of osimage: an image definition (xCAT tables osimage, linuximage, winimage and nimimage)."""

from sbkernel.definitions.tables import linuximage, otherimages
from sbkernel.definitions.tables.attribute import ROOT_KINDS, honoured, noted, refused, stored
from sbkernel.definitions.tables.attribute import Attribute as Attr

_PATHS = r"(/[^,]*)(,/[^,]*)*"
# xCAT puts ro before them (PR 7588). With rw, one node could write to the root of all nodes.
_NFS_OPTIONS = r"(?!(?:.*,)?(?i:rw|defaults)(?:,|$))[^\s,]+(,[^\s,]+)*"
_ROOT_KINDS = rf"({'|'.join(ROOT_KINDS)})(,({'|'.join(ROOT_KINDS)}))*"
_STATELITE = "it is about statelite images; a stateless root lies in memory"
_OSIMAGE = stored(
    "osimage",
    Attr(
        "imagetype",
        "Kind of operating system; has to be set before the attributes that need it.",
        ("linux", "windows", "NIM", "AIX"),
        netboot=refused("genimage", "only images of Linux are built here", accepts=("linux",)),
    ),
    Attr(
        "provmethod",
        "How nodes get it: netboot is stateless, from RAM. Only netboot images are built here.",
        ("netboot", "statelite", "install", "sysclone", "boottarget", "dualboot", "raw"),
        netboot=refused("genimage", "only stateless images are built here", accepts=("netboot",)),
    ),
    Attr(
        "profile",
        "Role, such as compute or service; part of the names of list files.",
        pattern=r"[\w.+-]+",
        netboot=honoured("genimage", "names the default rootimgdir, the root's line in the fstab, and an own fstab"),
    ),
    Attr("osname", "Name of the operating system: Linux, AIX, Windows.", netboot=noted("imagetype and osvers decide")),
    Attr(
        "osvers",
        "Version, such as debian12, ubuntu24.04, rhels9.4, rocky9.6.",
        pattern=r"[\w.+-]+",
        netboot=honoured("genimage", "chooses the package manager and the release"),
    ),
    Attr(
        "osarch",
        "Architecture, such as x86_64, ppc64le, aarch64.",
        pattern=r"[\w.+-]+",
        netboot=honoured("genimage", "chooses the architecture of the packages"),
    ),
    Attr(
        "osdistroname",
        "Name of the osdistro object whose packages it uses.",
        netboot=noted("it tells where the medium came from; pkgdir says where packages come from"),
    ),
    Attr(
        "osupdatename",
        "Comma list of osdistroupdate objects.",
        netboot=refused("genimage", "an update is a package source like any other", "name its directory in pkgdir"),
    ),
    Attr("description", "What it is for.", netboot=noted("text for people")),
    Attr("groups", "Comma list of image groups.", netboot=noted("nothing is done with groups of images")),
    Attr(
        "synclists",
        "Comma list of files that name files to copy into the image or to nodes.",
        pattern=_PATHS,
        netboot=honoured("packimage", "copies those files into the image"),
    ),
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
    Attr(
        "environvar",
        "Comma list K=V: environment of the postscripts, and $K in synclists.",
        netboot=honoured("genimage", "postinstall scripts find it in their environment; paths in synclists may use it"),
    ),
    Attr(
        "rootfstype",
        "Statelite only: where the root lies.",
        ("nfs", "ramdisk"),
        default="nfs",
        needs=("imagetype", ("linux",)),
        netboot=refused("genimage", _STATELITE, accepts=("ramdisk",)),
    ),
    Attr(
        "nfsrootopts",
        "Statelite only: NFS mount options of the root, which is always read-only: no rw, no defaults.",
        pattern=_NFS_OPTIONS,
        netboot=refused("genimage", _STATELITE),
    ),
    Attr(
        "serverrole",
        "Role of the server: compute, login, storage, utility, servicenode, mgtnode.",
        netboot=noted("the lists say what an image holds"),
    ),
    Attr(
        "isdeletable", "Whether the image may be deleted.", netboot=noted("nothing keeps an image from being deleted")
    ),
    Attr(
        "cfmdir",
        "Directory of configuration files (kits).",
        netboot=refused("genimage", "kits merge its files, and there are none here", "name its files in synclists"),
    ),
    Attr(
        "kitcomponents",
        "Comma list of kit components.",
        netboot=refused("genimage", "there are no kits here", "name their packages in pkglist or otherpkglist"),
    ),
)
_OURS = (
    Attr("parent", "The osimage that this one was cloned from.", netboot=noted("written by clone")),
    Attr(
        "buildhost",
        "Machine that builds it, as ssh names it: HOST, USER@HOST or HOST:PORT; or dask:SCHEDULER.",
        default="this host",
        pattern=r"[^\s,]+",
        netboot=honoured("genimage", "builds there, and brings tree, kernel and initrd to rootimgdir"),
    ),
    Attr(
        "buildshared",
        "Whether installdir is the same directory on the buildhost, as over NFS: 1 or 0.",
        ("0", "1"),
        default="0",
        netboot=honoured("genimage", "copies nothing of it to the buildhost or back"),
    ),
    Attr(
        "rootkind",
        "Where the root of a node lies: ram (packed, in memory), tmpfs (unpacked, in memory), zram (unpacked, in "
        "compressed memory), lazy (on the server: what is read is fetched) or disk (on the local disk). Several in a "
        "comma list: the first is the usual one, and rootkind of a node chooses among them.",
        default="ram",
        pattern=_ROOT_KINDS,
        netboot=honoured("nodeset", "sbkernel.root= on the kernel's command line, if it is not ram"),
    ),
    Attr(
        "gate",
        "What a version must pass before nodes boot it: testboot. Unset: what is packed is what nodes boot.",
        ("testboot",),
        netboot=honoured("packimage", "moves the candidate alone; promote asks for a good test boot"),
    ),
    Attr(
        "testbootscripts",
        "Comma list of scripts that testboot runs on the node, or of directories with such (*.sh).",
        default="custom/testboot below installdir",
        pattern=_PATHS,
        netboot=honoured("testboot", "runs them there, in this order; each must end with status 0"),
    ),
    Attr(
        "testbootbudget",
        "What a test boot may take at most: time, bytes (fetched), memory, as a limit (time=300s, memory=400M), as a "
        "share over the median of the last good versions (bytes=+25%), or none.",
        default="time=+100%,bytes=+25%,memory=+25%",
        pattern=r"[a-z]+=[^\s,]+(,[a-z]+=[^\s,]+)*",
        netboot=honoured("testboot", "fails when it takes more"),
    ),
)

ATTRIBUTES = {"osimage": (*_OSIMAGE, *linuximage.ATTRIBUTES, *otherimages.ATTRIBUTES, *_OURS)}

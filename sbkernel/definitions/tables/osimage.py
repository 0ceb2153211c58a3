"""Attributes of osimage: an image definition (xCAT tables osimage, linuximage, winimage and nimimage)."""

from sbkernel.definitions.tables.attribute import Attribute as Attr
from sbkernel.definitions.tables.attribute import stored

_LINUX = ("imagetype", ("linux",))
_WINDOWS = ("imagetype", ("windows",))
_LINUX_OR_WINDOWS = ("imagetype", ("linux", "windows"))
_NIM = ("imagetype", ("NIM",))
_LINUX_OR_NIM = ("imagetype", ("linux", "NIM"))
_PATHS = r"(/[^,]*)(,/[^,]*)*"
# xCAT puts ro before them (PR 7588). With rw, one node could write to the root of all nodes.
_NFS_OPTIONS = r"(?!(?:.*,)?(?i:rw|defaults)(?:,|$))[^\s,]+(,[^\s,]+)*"

_OSIMAGE = stored(
    "osimage",
    Attr(
        "imagetype",
        "Kind of operating system; has to be set before the attributes that need it.",
        ("linux", "windows", "NIM", "AIX"),
    ),
    Attr(
        "provmethod",
        "How nodes get it: netboot is stateless, from RAM. Only netboot images are built here.",
        ("netboot", "statelite", "install", "sysclone", "boottarget", "dualboot", "raw"),
    ),
    Attr("profile", "Role, such as compute or service; part of the names of list files.", pattern=r"[\w.+-]+"),
    Attr("osname", "Name of the operating system: Linux, AIX, Windows."),
    Attr("osvers", "Version, such as debian12, ubuntu24.04, rhels9.4, rocky9.6.", pattern=r"[\w.+-]+"),
    Attr("osarch", "Architecture, such as x86_64, ppc64le, aarch64.", pattern=r"[\w.+-]+"),
    Attr("osdistroname", "Name of the osdistro object whose packages it uses."),
    Attr("osupdatename", "Comma list of osdistroupdate objects."),
    Attr("description", "What it is for."),
    Attr("groups", "Comma list of image groups."),
    Attr("synclists", "Comma list of files that name files to copy into the image or to nodes.", pattern=_PATHS),
    Attr("postscripts", "Comma list of scripts run on the node at boot."),
    Attr("postbootscripts", "Comma list of scripts run on the node after boot."),
    Attr("environvar", "Comma list K=V: environment of the postscripts, and $K in synclists."),
    Attr("rootfstype", "Statelite only: where the root lies.", ("nfs", "ramdisk"), default="nfs", needs=_LINUX),
    Attr(
        "nfsrootopts",
        "Statelite only: NFS mount options of the root, which is always read-only: no rw, no defaults.",
        pattern=_NFS_OPTIONS,
    ),
    Attr("serverrole", "Role of the server: compute, login, storage, utility, servicenode, mgtnode."),
    Attr("isdeletable", "Whether the image may be deleted."),
    Attr("cfmdir", "Directory of configuration files (kits)."),
    Attr("kitcomponents", "Comma list of kit components."),
)
_LINUXIMAGE = stored(
    "linuximage",
    Attr("pkglist", "Comma list of files that name the packages. genimage needs it.", needs=_LINUX, pattern=_PATHS),
    Attr(
        "pkgdir",
        "Comma list of package sources: a directory, or a URL; for Debian and Ubuntu as `URL dist components`. "
        "Each may be followed by gpgkey=FILE of who signs it, or gpgcheck=0.",
        default="the apt sources of this host",
        needs=_LINUX,
    ),
    Attr("otherpkglist", "Comma list of files that name packages from otherpkgdir.", needs=_LINUX, pattern=_PATHS),
    Attr(
        "otherpkgdir",
        "Comma list of where the site's own packages are: a directory, of which the otherpkglist may name parts, "
        "with an index or without, or URLs. Options as in pkgdir.",
        default="<installdir>/post/otherpkgs/<osvers>/<osarch>",
        needs=_LINUX,
    ),
    Attr("exlist", "Comma list of files that name what is left out of the packed image.", needs=_LINUX, pattern=_PATHS),
    Attr(
        "postinstall", "Comma list of `script arguments`, run when the packages are in.", needs=_LINUX, pattern=_PATHS
    ),
    Attr(
        "rootimgdir",
        "Directory in which the image is built; no two images may share one.",
        default="<installdir>/netboot/<osvers>/<osarch>/<profile>",
        needs=_LINUX,
        pattern=r"/.*[^/]",
    ),
    Attr("kerneldir", "Directory of the site's own kernel packages.", default="<installdir>/kernels", needs=_LINUX),
    Attr("kernelver", "Kernel version to boot.", default="the newest in the image", needs=_LINUX, pattern=r"[\w.+~-]+"),
    Attr("krpmver", "Version of the kernel package (SLES).", needs=_LINUX),
    Attr("netdrivers", "Comma list of network drivers in the initrd.", needs=_LINUX, pattern=r"[\w,.\- ]+"),
    Attr("nodebootif", "Network interface that boots.", default="found by its MAC address", needs=_LINUX),
    Attr("otherifce", "Comma list of further network interfaces that use DHCP.", needs=_LINUX),
    Attr("addkcmdline", "Added to the kernel's command line.", needs=_LINUX, pattern=r"[^\n\r]*"),
    Attr(
        "dump",
        "Where a crashed kernel is dumped, such as nfs://host/path.",
        needs=_LINUX_OR_NIM,
        instead=("imagetype", {"NIM": "nimimage.dump"}),
    ),
    Attr("crashkernelsize", "Memory kept for the crash kernel, such as 256M.", needs=_LINUX),
    Attr("permission", "Mode of statelite directories.", default="755", needs=_LINUX, pattern=r"[0-7]{3,4}"),
    Attr(
        "partitionfile",
        "Layout of the local disks; s:PATH is a script that writes it.",
        needs=_LINUX_OR_WINDOWS,
        instead=("imagetype", {"windows": "winimage.partitionfile"}),
    ),
    Attr("driverupdatesrc", "Comma list of driver updates, dud:/path or rpm:/path.", needs=_LINUX),
    Attr(
        "template",
        "Installation template (provmethod install).",
        needs=_LINUX_OR_WINDOWS,
        instead=("imagetype", {"windows": "winimage.template"}),
    ),
    Attr("boottarget", "Name of a boottarget object.", needs=_LINUX),
    Attr("usercomment", "Any text.", column="comments", instead=("imagetype", {"NIM": "nimimage.comments"})),
)
_WINIMAGE = stored(
    "winimage",
    Attr("installto", "Disk and partition for Windows, as DISK:PARTITION.", needs=_WINDOWS),
    Attr("winpepath", "Path of the Windows PE that boots, below tftpdir.", needs=_WINDOWS),
)
_NIMIMAGE = stored(
    "nimimage",
    Attr("nimtype", "NIM client: standalone, diskless or dataless.", needs=_NIM),
    Attr("nimmethod", "NIM installation method, such as rte, mksysb.", needs=_NIM),
    Attr("lpp_source", "NIM resource lpp_source.", needs=_NIM),
    Attr("spot", "NIM resource spot.", needs=_NIM),
    Attr("root", "NIM resource root.", needs=_NIM),
    Attr("configdump", "What AIX dumps: selective, full or none.", default="selective", needs=_NIM),
    Attr("paging", "NIM resource paging.", needs=_NIM),
    Attr("resolv_conf", "NIM resource resolv_conf.", needs=_NIM),
    Attr("image_data", "NIM resource image_data.", needs=_NIM),
    Attr("tmp", "NIM resource tmp.", needs=_NIM),
    Attr("home", "NIM resource home.", needs=_NIM),
    Attr("shared_home", "NIM resource shared_home.", needs=_NIM),
    Attr("shared_root", "NIM resource shared_root.", needs=_NIM),
    Attr("script", "NIM resource script.", needs=_NIM),
    Attr("fb_script", "NIM resource fb_script.", needs=_NIM),
    Attr("bosinst_data", "NIM resource bosinst_data.", needs=_NIM),
    Attr("installp_bundle", "Comma list of NIM resources installp_bundle.", needs=_NIM),
    Attr("otherpkgs", "Comma list of installp or RPM packages; R: before an RPM.", needs=_NIM),
    Attr("mksysb", "NIM resource mksysb.", needs=_NIM),
)

ATTRIBUTES = {
    "osimage": (
        *_OSIMAGE,
        *_LINUXIMAGE,
        *_WINIMAGE,
        *_NIMIMAGE,
        Attr("parent", "The osimage that this one was cloned from."),
    )
}

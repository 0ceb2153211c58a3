"""Attributes of osimage: an image definition (xCAT tables osimage and linuximage)."""

from sbkernel.definitions.attribute import Attribute as Attr

_LINUX = ("imagetype", ("linux",))
_PATHS = r"(/[^,]*)(,/[^,]*)*"

ATTRIBUTES = (
    Attr("imagetype", "Kind of operating system; has to be set before the attributes that need it.", ("linux",)),
    Attr(
        "provmethod",
        "How nodes get it: netboot is stateless, from RAM. Only netboot images are built here.",
        ("netboot", "statelite", "install", "sysclone", "boottarget", "dualboot", "raw"),
    ),
    Attr("profile", "Role, such as compute or service; part of the names of list files.", pattern=r"[\w.+-]+"),
    Attr("osname", "Name of the operating system.", ("Linux", "AIX", "Windows")),
    Attr("osvers", "Version, such as debian12, ubuntu24.04, rhels9.4, rocky9.6.", pattern=r"[\w.+-]+"),
    Attr("osarch", "Architecture.", ("x86_64", "aarch64", "ppc64", "ppc64le", "ppc64el", "x86", "ia64")),
    Attr("osdistroname", "Name of the osdistro object whose packages it uses."),
    Attr("osupdatename", "Comma list of osdistroupdate objects."),
    Attr("description", "What it is for."),
    Attr("groups", "Comma list of image groups."),
    Attr("synclists", "Comma list of files that name files to copy into the image or to nodes.", pattern=_PATHS),
    Attr("postscripts", "Comma list of scripts run on the node at boot."),
    Attr("postbootscripts", "Comma list of scripts run on the node after boot."),
    Attr("environvar", "Comma list K=V: environment of the postscripts, and $K in synclists."),
    Attr("rootfstype", "Statelite only: where the root lies.", ("nfs", "ramdisk"), default="nfs"),
    Attr("nfsrootopts", "Statelite only: NFS mount options."),
    Attr("serverrole", "Role of the server: compute, login, storage, utility, servicenode, mgtnode."),
    Attr("isdeletable", "Whether the image may be deleted."),
    Attr("cfmdir", "Directory of configuration files (kits)."),
    Attr("kitcomponents", "Comma list of kit components."),
    Attr("pkglist", "Comma list of files that name the packages. genimage needs it.", needs=_LINUX, pattern=_PATHS),
    Attr(
        "pkgdir",
        "Comma list of package sources: a media directory, or a repository as `URL dist components`.",
        default="the apt sources of this host",
        needs=_LINUX,
    ),
    Attr("otherpkglist", "Comma list of files that name packages from otherpkgdir.", needs=_LINUX, pattern=_PATHS),
    Attr(
        "otherpkgdir",
        "Repository of the site's own packages: one local directory, or URLs.",
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
    Attr("dump", "Where a crashed kernel is dumped, such as nfs://host/path.", needs=_LINUX),
    Attr("crashkernelsize", "Memory kept for the crash kernel, such as 256M.", needs=_LINUX),
    Attr("permission", "Mode of statelite directories.", default="755", needs=_LINUX, pattern=r"[0-7]{3,4}"),
    Attr("partitionfile", "Layout of the local disks.", needs=_LINUX),
    Attr("driverupdatesrc", "Comma list of driver updates, dud:/path or rpm:/path.", needs=_LINUX),
    Attr("template", "Installation template (provmethod install).", needs=_LINUX),
    Attr("boottarget", "Name of a boottarget object.", needs=_LINUX),
    Attr("parent", "The osimage that this one was cloned from."),
    Attr("usercomment", "Any text."),
)

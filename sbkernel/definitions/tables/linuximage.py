"""Attributes of osimage about an image of Linux: what is in it, how it is built and booted (xCAT table linuximage)."""

from sbkernel.definitions.tables.attribute import Attribute as Attr
from sbkernel.definitions.tables.attribute import honoured, noted, refused, stored

_LINUX = ("imagetype", ("linux",))
_LINUX_OR_WINDOWS = ("imagetype", ("linux", "windows"))
_LINUX_OR_NIM = ("imagetype", ("linux", "NIM"))
_PATHS = r"(/[^,]*)(,/[^,]*)*"
_NIC = r"[A-Za-z][\w.-]{0,14}"

ATTRIBUTES = tuple(
    stored(
        "linuximage",
        Attr(
            "pkglist",
            "Comma list of files that name the packages. genimage needs it.",
            needs=_LINUX,
            pattern=_PATHS,
            netboot=honoured("genimage", "installs what they name"),
        ),
        Attr(
            "pkgdir",
            "Comma list of package sources: a directory, or a URL; for Debian and Ubuntu as `URL dist components`. "
            "Each may be followed by gpgkey=FILE of who signs it, or gpgcheck=0. The first may be a container image, "
            "on top of which the packages come: oci:DIR:TAG, oci-archive:FILE, docker-archive:FILE, or "
            "docker://HOST/NAME:TAG (tlsverify=0 trusts a registry without TLS).",
            default="the apt sources of this host",
            needs=_LINUX,
            netboot=honoured("genimage", "packages come from there"),
        ),
        Attr(
            "otherpkglist",
            "Comma list of files that name packages from otherpkgdir.",
            needs=_LINUX,
            pattern=_PATHS,
            netboot=honoured("genimage", "installs what they name"),
        ),
        Attr(
            "otherpkgdir",
            "Comma list of where the site's own packages are: a directory, of which the otherpkglist may name parts, "
            "with an index or without, or URLs. Options as in pkgdir.",
            default="<installdir>/post/otherpkgs/<osvers>/<osarch>",
            needs=_LINUX,
            netboot=honoured("genimage", "packages of otherpkglist come from there"),
        ),
        Attr(
            "exlist",
            "Comma list of files that name what is left out of the packed image.",
            needs=_LINUX,
            pattern=_PATHS,
            netboot=honoured("packimage", "leaves out what they name"),
        ),
        Attr(
            "postinstall",
            "Comma list of `script arguments`, run when the packages are in.",
            needs=_LINUX,
            pattern=_PATHS,
            netboot=honoured(
                "genimage", "runs them on this host; their first arguments are the tree, osvers, osarch and profile"
            ),
        ),
        Attr(
            "rootimgdir",
            "Directory in which the image is built; no two images may share one.",
            default="<installdir>/netboot/<osvers>/<osarch>/<profile>",
            needs=_LINUX,
            pattern=r"/.*[^/]",
            netboot=honoured("genimage", "builds the image there"),
        ),
        Attr(
            "kerneldir",
            "Directory of the site's own kernel packages.",
            needs=_LINUX,
            pattern=r"/[^,]*",
            netboot=honoured("genimage", "is one more source of packages; the lists and kernelver say which kernel"),
        ),
        Attr(
            "kernelver",
            "Kernel version to boot.",
            default="the newest in the image",
            needs=_LINUX,
            pattern=r"[\w.+~-]+",
            netboot=honoured("genimage", "kernels of the lists are of this version, and this one is booted"),
        ),
        Attr(
            "krpmver",
            "Version of the kernel package (SLES).",
            needs=_LINUX,
            pattern=r"[\w.+~-]+",
            netboot=honoured("genimage", "is the version of the kernel packages where that is not kernelver; rpm only"),
        ),
        Attr(
            "netdrivers",
            "Comma list of network drivers in the initrd.",
            needs=_LINUX,
            pattern=r"[\w,.\- ]+",
            netboot=honoured("genimage", "these, with or without .ko, replace the usual drivers"),
        ),
        Attr(
            "nodebootif",
            "Network interface that boots.",
            default="found by its MAC address",
            needs=_LINUX,
            pattern=_NIC,
            netboot=honoured("genimage", "systemd-networkd asks DHCP on it, whatever it is called"),
        ),
        Attr(
            "otherifce",
            "Comma list of further network interfaces that use DHCP.",
            needs=_LINUX,
            pattern=rf"{_NIC}(,{_NIC})*",
            netboot=honoured("genimage", "systemd-networkd asks DHCP on them, whatever they are called"),
        ),
        Attr(
            "addkcmdline",
            "Added to the kernel's command line.",
            needs=_LINUX,
            pattern=r"[^\n\r]*",
            netboot=honoured(
                "nodeset",
                "adds it, with !myipfn!, #NODEATTRIB:TABLE:COLUMN# and #TABLE:TABLE:KEY:COLUMN# filled in, "
                "but not the words after R::, which are for installed systems",
            ),
        ),
        Attr(
            "dump",
            "Where a crashed kernel is dumped, such as nfs://host/path.",
            needs=_LINUX_OR_NIM,
            instead=("imagetype", {"NIM": "nimimage.dump"}),
            netboot=refused(
                "nodeset",
                "nothing on the node would write a dump",
                "put kdump into the image by pkglist and postinstall; crashkernelsize keeps memory for it",
            ),
        ),
        Attr(
            "crashkernelsize",
            "Memory kept for the crash kernel, such as 256M.",
            needs=_LINUX,
            pattern=r"[\w@:,.-]+",
            netboot=honoured("nodeset", "crashkernel= on the kernel's command line"),
        ),
        Attr(
            "permission",
            "Mode of statelite directories.",
            default="755",
            needs=_LINUX,
            pattern=r"[0-7]{3,4}",
            netboot=noted("stateless images have no such directories"),
        ),
        Attr(
            "partitionfile",
            "File that says what is made of local disks: partitions, swap, and directories such as /var that lie there "
            "(xCAT: localdisk). s:PATH is a script, for images that are installed only.",
            needs=_LINUX_OR_WINDOWS,
            instead=("imagetype", {"windows": "winimage.partitionfile"}),
            netboot=honoured(
                "nodeset",
                "the initrd makes or finds them before it fills the root; genimage and packimage add what it needs. "
                "What others have written there is destroyed only if clear=yes or policy=wipe says so",
            ),
        ),
        Attr(
            "driverupdatesrc",
            "Comma list of driver updates, dud:/path or rpm:/path.",
            needs=_LINUX,
            netboot=refused(
                "genimage",
                "drivers come as packages, which know what they belong to",
                "name the driver's package in otherpkglist, and its repository in otherpkgdir",
            ),
        ),
        Attr(
            "template",
            "Installation template (provmethod install).",
            needs=_LINUX_OR_WINDOWS,
            instead=("imagetype", {"windows": "winimage.template"}),
            netboot=refused("genimage", "stateless nodes are not installed"),
        ),
        Attr(
            "boottarget",
            "Name of a boottarget object.",
            needs=_LINUX,
            netboot=honoured("nodeset", "with provmethod=boottarget nodes boot that, and no image"),
        ),
        Attr(
            "usercomment",
            "Any text.",
            column="comments",
            instead=("imagetype", {"NIM": "nimimage.comments"}),
            netboot=noted("text for people"),
        ),
    )
)

"""Attributes of osimage about images that are not of Linux (xCAT tables winimage and nimimage)."""

from sbkernel.definitions.tables.attribute import Attribute as Attr
from sbkernel.definitions.tables.attribute import refused, stored

_WINDOWS = ("imagetype", ("windows",))
_NIM = ("imagetype", ("NIM",))
_OF_WINDOWS = refused("genimage", "only images of Linux are built here")
_OF_AIX = refused("genimage", "only images of Linux are built here")
_RESOURCES = (
    "lpp_source", "spot", "root", "paging", "resolv_conf", "image_data", "tmp", "home", "shared_home", "shared_root",
    "script", "fb_script", "bosinst_data", "mksysb",
)  # fmt: skip

ATTRIBUTES = (
    *stored(
        "winimage",
        Attr("installto", "Disk and partition for Windows, as DISK:PARTITION.", needs=_WINDOWS, netboot=_OF_WINDOWS),
        Attr(
            "winpepath",
            "Path of the Windows PE that boots, below tftpdir.",
            needs=_WINDOWS,
            netboot=_OF_WINDOWS,
        ),
    ),
    *stored(
        "nimimage",
        Attr("nimtype", "NIM client: standalone, diskless or dataless.", needs=_NIM, netboot=_OF_AIX),
        Attr("nimmethod", "NIM installation method, such as rte, mksysb.", needs=_NIM, netboot=_OF_AIX),
        *(Attr(name, f"NIM resource {name}.", needs=_NIM, netboot=_OF_AIX) for name in _RESOURCES),
        Attr(
            "configdump",
            "What AIX dumps: selective, full or none.",
            default="selective",
            needs=_NIM,
            netboot=_OF_AIX,
        ),
        Attr("installp_bundle", "Comma list of NIM resources installp_bundle.", needs=_NIM, netboot=_OF_AIX),
        Attr("otherpkgs", "Comma list of installp or RPM packages; R: before an RPM.", needs=_NIM, netboot=_OF_AIX),
    ),
)

"""A tap device on a bridge that lives exactly as long as the process which holds it open."""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import struct
from collections.abc import Iterator

from sbkernel.errors import SbkernelError

TUN = "/dev/net/tun"
TUNSETIFF = 0x400454CA
SIOCBRADDIF = 0x89A2
SIOCGIFFLAGS, SIOCSIFFLAGS = 0x8913, 0x8914
IFF_UP = 0x1
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000


@contextlib.contextmanager
def tap_on(bridge: str) -> Iterator[int]:
    """Open a new tap device on a bridge and yield its descriptor; pass that to QEMU (linux tuntap.txt).

    The device is not persistent: it is gone when the last descriptor is closed, whatever kills its holder.
    Raises SbkernelError without the privilege or without the bridge.
    """
    try:
        descriptor = os.open(TUN, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise _error(bridge, error) from None
    try:
        _attach(descriptor, bridge)
        yield descriptor
    except OSError as error:
        raise _error(bridge, error) from None
    finally:
        os.close(descriptor)


def _attach(descriptor: int, bridge: str) -> None:
    request = struct.pack("16sH22x", b"sbvm%d", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR)
    name = fcntl.ioctl(descriptor, TUNSETIFF, request)[:16]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        index = struct.unpack_from("i", fcntl.ioctl(control, 0x8933, name + bytes(24)), 16)[0]  # SIOCGIFINDEX
        fcntl.ioctl(control, SIOCBRADDIF, struct.pack("16si20x", bridge.encode(), index))
        flags = struct.unpack_from("h", fcntl.ioctl(control, SIOCGIFFLAGS, name + bytes(24)), 16)[0]
        fcntl.ioctl(control, SIOCSIFFLAGS, name + struct.pack("h22x", flags | IFF_UP))


def _error(bridge: str, error: OSError) -> SbkernelError:
    return SbkernelError(
        f"cannot put a virtual node on the bridge {bridge}: {error.strerror}",
        hint="The bridge must exist, and bridges need root; `--network user` needs no privileges.",
    )

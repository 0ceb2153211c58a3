"""A boot loader for UEFI, of one kilobyte: it says on the console that it runs, and waits for ever."""

import struct

TEXT = "this is the program that the firmware has started"
_AARCH64 = struct.pack(
    "<7I",
    0xA9BF7BFD,  # stp x29, x30, [sp, #-16]!
    0xF9402020,  # ldr x0, [x1, #64]      the system table's ConOut
    0xF9400402,  # ldr x2, [x0, #8]       its OutputString
    0x10000000 | (4 << 5) | 1,  # adr x1, the text, four words ahead
    0xD63F0040,  # blr x2
    0xD503207F,  # wfi
    0x17FFFFFF,  # b to it
)
_X86_64 = bytes.fromhex(
    "4883ec28"  # sub rsp, 40
    "488b4a40"  # mov rcx, [rdx + 64]     the system table's ConOut
    "488d1509000000"  # lea rdx, the text, nine bytes ahead
    "ff5108"  # call [rcx + 8]            its OutputString
    "f4ebfd909090"  # hlt; jmp to it
)
_MACHINES = {"aarch64": (0xAA64, _AARCH64), "x86_64": (0x8664, _X86_64)}
_PLACE, _ALIGNMENT = 0x1000, 0x200


def efi_program(osarch: str) -> bytes:
    """Return a PE32+ image (PE/COFF specification; UEFI 2.10, 2.1.1) with one section, which needs no relocation."""
    machine, code = _MACHINES[osarch]
    code = (code + f"\r\n{TEXT}\r\n\0".encode("utf-16-le")).ljust(_ALIGNMENT, b"\0")
    section = struct.pack("<8sIIIIIIHHI", b".text", len(code), _PLACE, len(code), _ALIGNMENT, 0, 0, 0, 0, 0x60000020)
    optional = struct.pack("<HBBIIIII", 0x20B, 1, 0, len(code), 0, 0, _PLACE, _PLACE)
    optional += struct.pack(
        "<QIIHHHHHHIIIIHH", 0, 0x1000, _ALIGNMENT, 0, 0, 0, 0, 0, 0, 0, 0x2000, _ALIGNMENT, 0, 10, 0
    )
    optional += struct.pack("<QQQQII", 0, 0, 0, 0, 0, 6) + bytes(6 * 8)
    coff = struct.pack("<HHIIIHH", machine, 1, 0, 0, 0, len(optional), 0x0206)
    header = b"MZ".ljust(60, b"\0") + struct.pack("<I", 64) + b"PE\0\0" + coff + optional + section
    return header.ljust(_ALIGNMENT, b"\0") + code

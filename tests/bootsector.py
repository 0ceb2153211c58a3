"""A disk with a system on it, of 512 bytes: it says on the first serial port that it runs."""

TEXT = "this is the system on the disk"
_PLACE = 0x7C00
"""Where a BIOS loads it."""
_BEGIN = bytes.fromhex("31c08ed8fcbe")  # xor ax,ax; mov ds,ax; cld; mov si, and the place of the text
_EACH = bytes.fromhex(
    "ac84c07412"  # lodsb; test al,al; jz to the end
    "88c3bafd03eca82074fb"  # mov bl,al; mov dx,0x3fd; until it takes one: in al,dx; test al,0x20; jz
    "baf80388d8eeebe9"  # mov dx,0x3f8; mov al,bl; out dx,al; jmp to the next
)
_END = bytes.fromhex("f4ebfd")  # hlt; jmp to it


def boot_sector() -> bytes:
    """Return what a BIOS starts: it writes the text to the first serial port (16550), and halts."""
    text = _PLACE + len(_BEGIN) + 2 + len(_EACH) + len(_END)
    code = _BEGIN + text.to_bytes(2, "little") + _EACH + _END + f"\r\n{TEXT}\r\n".encode() + b"\0"
    return code.ljust(510, b"\0") + b"\x55\xaa"

"""The commands around serial over LAN on a simulated BMC: activate, deactivate, ask who holds it.

Source: IPMI specification 2.0 rev. 1.1, sections 24 (payloads) and 26 (SOL configuration).
"""

from __future__ import annotations

import struct

from sbkernel.nodes.simulator.session import Session
from sbkernel.nodes.simulator.state import BmcState

Answer = tuple[int, bytes]
OK, INVALID_FIELD = 0x00, 0xCC
ALREADY_ACTIVE, ALREADY_INACTIVE = 0x80, 0x80
SOL_PAYLOAD = 1
CHARACTERS = 255
"""Room for characters in one SOL packet, each way."""

SOL_CONFIGURATION = {
    0: b"\x00",  # no change in progress
    1: b"\x01",  # SOL is enabled
    2: b"\x02",  # for users; neither encryption nor authentication is forced
    3: b"\x01\x01",  # send after 5 ms or one character
    4: b"\x07\x19",  # 7 retries, 250 ms apart
    5: b"\x0a",  # 115200 bit/s, kept
    6: b"\x0a",  # 115200 bit/s, now
    7: b"\x01",  # on channel 1
}


def activate(state: BmcState, session: Session, data: bytes) -> Answer:
    """Activate Payload (24.1): one console at a time."""
    if data[0] & 0x3F != SOL_PAYLOAD:
        return INVALID_FIELD, b""
    if state.console.owner is not None:
        return ALREADY_ACTIVE, b""
    state.console.open(session, CHARACTERS)
    size = CHARACTERS + 4
    return OK, struct.pack("<IHHHH", 0, size, size, state.port, 0xFFFF)


def deactivate(state: BmcState, _session: Session, data: bytes) -> Answer:
    """Deactivate Payload (24.2); any session may take the console away."""
    if data[0] & 0x3F != SOL_PAYLOAD:
        return INVALID_FIELD, b""
    if state.console.owner is None:
        return ALREADY_INACTIVE, b""
    state.console.close()
    return OK, b""


def activation_status(state: BmcState, _session: Session, _data: bytes) -> Answer:
    """Get Payload Activation Status (24.4)."""
    return OK, bytes((1, int(state.console.owner is not None), 0))


def instance_info(state: BmcState, _session: Session, _data: bytes) -> Answer:
    """Get Payload Instance Info (24.5): the session that holds the console, 0 for none."""
    return OK, struct.pack("<I", state.console.owner.number if state.console.owner else 0) + b"\x01" + bytes(7)


def user_access(_state: BmcState, _session: Session, _data: bytes) -> Answer:
    """Get User Payload Access (24.7): SOL is allowed."""
    return OK, bytes((1 << SOL_PAYLOAD, 0, 0, 0))


def channel_support(_state: BmcState, _session: Session, _data: bytes) -> Answer:
    """Get Channel Payload Support (24.8): IPMI, SOL and the messages of the handshake."""
    return OK, bytes((0x03, 0x00, 0x3F, 0x00, 0, 0, 0, 0))


def version(_state: BmcState, _session: Session, _data: bytes) -> Answer:
    """Get Channel Payload Version (24.9): 1.0."""
    return OK, b"\x10"


def sol_configuration(state: BmcState, _session: Session, data: bytes) -> Answer:
    """Get SOL Configuration Parameters (26.3)."""
    values = SOL_CONFIGURATION | {8: struct.pack("<H", state.port)}
    return (OK, b"\x11" + values[data[1]]) if data[1] in values else (0x80, b"")

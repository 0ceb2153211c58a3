"""The IPMI commands that a simulated BMC knows, by network function and command number.

Each answers with a completion code and data. Source: IPMI specification 2.0 rev. 1.1, appendix G and the section
named at each command.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass

from sbkernel.nodes.ipmi import chassis
from sbkernel.nodes.power import PowerChange
from sbkernel.nodes.simulator import payloads
from sbkernel.nodes.simulator.session import ADMINISTRATOR, OPERATOR, USER, Session
from sbkernel.nodes.simulator.state import BmcState
from sbkernel.nodes.simulator.suites import AES_CBC_128, SUITES

Answer = tuple[int, bytes]
Handler = Callable[[BmcState, Session, bytes], Answer]

OK, BUSY, UNKNOWN_COMMAND, SHORT_REQUEST = 0x00, 0xC0, 0xC1, 0xC7
INVALID_FIELD, NOT_ALLOWED, NOT_NOW = 0xCC, 0xD4, 0xD5
BAD_PARAMETER, BAD_SESSION, ABOVE_LIMIT = 0x80, 0x87, 0x81
AUTH_CAPABILITIES, SYSTEM_GUID, CIPHER_SUITES = (0x06, 0x38), (0x06, 0x37), (0x06, 0x54)


@dataclass(frozen=True)
class Command:
    """How one command is handled: the least privilege, the least number of bytes, and the handler."""

    privilege: int
    length: int
    handler: Handler


def answer(state: BmcState, session: Session, netfn: int, number: int, data: bytes) -> Answer:
    """Carry out a command inside a session."""
    command = COMMANDS.get((netfn, number))
    if command is None:
        return UNKNOWN_COMMAND, b""
    if len(data) < command.length:
        return SHORT_REQUEST, b""
    return command.handler(state, session, data) if session.privilege >= command.privilege else (NOT_ALLOWED, b"")


def answer_outside(state: BmcState, netfn: int, number: int, data: bytes) -> Answer:
    """Carry out one of the few commands that need no session."""
    if (netfn, number) == AUTH_CAPABILITIES:
        if state.faults.operator_at == "capabilities" and data[1:2] == bytes((ADMINISTRATOR,)):
            return INVALID_FIELD, b""
        kg = 0x20 * bool(state.kg)
        return OK, bytes((1, 0x80, 0x04 | kg, 0x02)) + bytes(4)  # 22.13: only IPMI 2.0, only named users; whether K_g
    if (netfn, number) == SYSTEM_GUID:
        return OK, state.guid
    if (netfn, number) == CIPHER_SUITES and len(data) >= 3:
        return OK, cipher_suites(state, data[2] & 0x3F)
    return NOT_ALLOWED, b""


def cipher_suites(state: BmcState, index: int) -> bytes:
    """Return the channel and the records of the offered suites (22.15.2), 16 bytes at a time."""
    offered = [s for s in SUITES.values() if s.number not in state.faults.refused_suites]
    records = b"".join(
        bytes((0xC0, s.number, s.authentication, 0x40 | s.integrity, 0x80 | AES_CBC_128)) for s in offered
    )
    return b"\x01" + records[16 * index : 16 * index + 16]


def device_id(_state: BmcState, _session: Session, _data: bytes) -> Answer:
    """Get Device ID (20.1): a chassis device of nobody's, IPMI 2.0."""
    return OK, bytes((0x20, 0x01, 0x01, 0x00, 0x02, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0))


def system_guid(state: BmcState, _session: Session, _data: bytes) -> Answer:
    """Get System GUID (22.14)."""
    return OK, state.guid


def auth_capabilities(state: BmcState, _session: Session, data: bytes) -> Answer:
    """Get Channel Authentication Capabilities (22.13), asked inside a session."""
    return answer_outside(state, *AUTH_CAPABILITIES, data)


def cipher_suites_inside(state: BmcState, _session: Session, data: bytes) -> Answer:
    """Get Channel Cipher Suites (22.15), asked inside a session."""
    return answer_outside(state, *CIPHER_SUITES, data)


def channel_info(_state: BmcState, _session: Session, _data: bytes) -> Answer:
    """Get Channel Info (22.24): a LAN channel with many sessions."""
    return OK, bytes((1, 4, 1, 0x80, 0xF2, 0x1B, 0, 0, 0))


def set_privilege(state: BmcState, session: Session, data: bytes) -> Answer:
    """Set Session Privilege Level (22.18); 0 asks for the present one."""
    wanted = data[0] & 15
    if state.faults.operator_at == "privilege" and wanted > OPERATOR:
        return ABOVE_LIMIT, b""
    if wanted > min(session.limit, session.role & 15 or session.limit):
        return ABOVE_LIMIT, b""
    session.privilege = wanted or session.privilege
    return OK, bytes((session.privilege,))


def close_session(state: BmcState, _session: Session, data: bytes) -> Answer:
    """Close Session (22.19), once this command is answered."""
    number: int = struct.unpack_from("<I", data)[0]
    if number not in state.sessions:
        return BAD_SESSION, b""
    state.closing = number
    return OK, b""


def chassis_status(state: BmcState, _session: Session, _data: bytes) -> Answer:
    """Get Chassis Status (28.2)."""
    return OK, bytes((int(state.machine.power), 0, 0, 0))


def chassis_control(state: BmcState, _session: Session, data: bytes) -> Answer:
    """Chassis Control (28.3); a node without power can only be switched on or off."""
    change = chassis.CHANGES.get(data[0] & 15)
    if change is None:
        return INVALID_FIELD, b""
    if not state.machine.power and change not in (PowerChange.ON, PowerChange.OFF):
        return NOT_NOW, b""
    state.machine.control(change)
    return OK, b""


def set_boot_option(state: BmcState, _session: Session, data: bytes) -> Answer:
    """Set System Boot Options (28.12): parameters 0, 3 and 4 are accepted, 5 is the boot flags."""
    parameter = data[0] & 0x7F
    if parameter == chassis.BOOT_FLAGS and len(data) >= 6:
        state.machine.boot = chassis.decode_boot(data[1:])
        return OK, b""
    return (OK, b"") if parameter in (0, chassis.VALID_BIT_CLEARING, 4) else (BAD_PARAMETER, b"")


def get_boot_option(state: BmcState, _session: Session, data: bytes) -> Answer:
    """Get System Boot Options (28.13)."""
    parameter = data[0] & 0x7F
    values = {0: b"\0", 3: b"\0", 4: b"\0\0", chassis.BOOT_FLAGS: chassis.encode_boot(state.machine.boot)}
    if parameter not in values:
        return BAD_PARAMETER, b""
    return OK, bytes((1, parameter)) + values[parameter]


def accept(_state: BmcState, _session: Session, _data: bytes) -> Answer:
    """Accept a setting that changes nothing here."""
    return OK, b""


COMMANDS = {
    (0x00, chassis.GET_STATUS): Command(USER, 0, chassis_status),
    (0x00, chassis.CONTROL): Command(OPERATOR, 1, chassis_control),
    (0x00, 0x04): Command(OPERATOR, 0, accept),  # Chassis Identify
    (0x00, chassis.SET_BOOT_OPTIONS): Command(OPERATOR, 1, set_boot_option),
    (0x00, chassis.GET_BOOT_OPTIONS): Command(USER, 3, get_boot_option),
    (0x06, 0x01): Command(USER, 0, device_id),
    (0x06, 0x37): Command(USER, 0, system_guid),
    (0x06, 0x38): Command(USER, 2, auth_capabilities),
    (0x06, 0x3B): Command(0, 1, set_privilege),
    (0x06, 0x3C): Command(0, 4, close_session),
    (0x06, 0x42): Command(USER, 1, channel_info),
    (0x06, 0x48): Command(USER, 6, payloads.activate),
    (0x06, 0x49): Command(USER, 2, payloads.deactivate),
    (0x06, 0x4A): Command(USER, 1, payloads.activation_status),
    (0x06, 0x4B): Command(USER, 2, payloads.instance_info),
    (0x06, 0x4C): Command(OPERATOR, 1, accept),  # Set User Payload Access
    (0x06, 0x4D): Command(USER, 1, payloads.user_access),
    (0x06, 0x4E): Command(USER, 1, payloads.channel_support),
    (0x06, 0x4F): Command(USER, 2, payloads.version),
    (0x06, 0x54): Command(USER, 3, cipher_suites_inside),
    (0x0C, 0x21): Command(OPERATOR, 2, accept),  # Set SOL Configuration Parameters
    (0x0C, 0x22): Command(USER, 4, payloads.sol_configuration),
}

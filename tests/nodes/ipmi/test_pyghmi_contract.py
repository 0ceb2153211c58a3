"""What our session takes from pyghmi's private code; another release must be read before it is used."""

from __future__ import annotations

import hashlib
import inspect
import re
from importlib.metadata import version

import pytest
from pyghmi.ipmi import command, events, fru, sdr
from pyghmi.ipmi.oem import generic
from pyghmi.ipmi.private import constants, session, util

from sbkernel.nodes.ipmi.handshake import Handshake
from sbkernel.nodes.ipmi.sealing import Sealed
from sbkernel.nodes.ipmi.session import Session

Base = session.Session
CALLED = {
    "_get_channel_auth_cap": "self",
    "_open_rmcpplus_request": "self",
    "_handle_ipmi_packet": "self, data, sockaddr=None, qent=None",
    "_parse_ipmi_payload": "self, payload",
    "_send_ipmi_net_payload": (
        "self, netfn=None, command=None, data=(), code=0, bridge_request=None, retry=None, delay_xmit=None, "
        "timeout=None, rslun=0"
    ),
    "login": "self",
}
REPLACED = {
    "_initsession": "self",
    "_got_channel_auth_cap": "self, response",
    "_got_rmcp_response": "self, data",
    "_got_rakp2": "self, data",
    "_got_rakp4": "self, data",
    "onlogon": "self, parameter",
    "_assignsocket": "server=None, forbiddensockets=()",
    "send_payload": (
        "self, payload=(), payload_type=None, retry=True, delay_xmit=None, needskeepalive=False, timeout=None"
    ),
    "_parse_payload": "self, payload",
    "_make_ipmi_payload": "self, netfn, command, bridge_request=None, data=(), rslun=0",
    "_xmit_packet": "self, retry=True, delay_xmit=None, timeout=None",
    "_timedout": "self",
    "_req_priv_level": "self",
    "_mark_broken": "self, error=None",
    "logout": "self, sessionok=True",
}


def test_version() -> None:
    assert version("pyghmi") == "1.6.19"


def test_the_code_we_read_is_the_code_that_runs() -> None:
    digest = hashlib.sha256(inspect.getsource(session).encode()).hexdigest()
    assert digest == "77a324e9b3cdfb6079ddd9bf010e1c564f7d9e810aaa519170625a99aad6cec4"


@pytest.mark.parametrize(("name", "parameters"), [*CALLED.items(), *REPLACED.items()])
def test_private_methods(name: str, parameters: str) -> None:
    assert str(inspect.signature(getattr(Base, name))) == f"({parameters})"
    if name in REPLACED:
        assert name in {**vars(Handshake), **vars(Sealed), **vars(Session)}


def test_names() -> None:
    assert constants.payload_types["sol"] == 1
    assert util.get_ipmi_error({"code": 0}) is False
    assert "1.6.19" in (inspect.getdoc(inspect.getmodule(Session)) or "")


def test_what_reading_sensors_takes_from_pyghmi() -> None:
    assert set(re.findall(r"self\.(\w+) = ", inspect.getsource(command.Command.__init__))) == {
        "onlogon", "bmc", "_sdrcachedir", "_sdr", "_oem", "_oemknown", "_netchannel", "_ipv6support", "certverify",
        "kwargs", "ipmi_session",
    }  # fmt: skip
    assert sdr.shared_sdrs == {}
    assert [str(inspect.signature(one)) for one in (events.EventHandler, fru.FRU, generic.OEMHandler)] == [
        "(sdr, ipmicmd)",
        "(rawdata=None, ipmicmd=None, fruid=0, sdr=None)",
        "(oemid, ipmicmd)",
    ]

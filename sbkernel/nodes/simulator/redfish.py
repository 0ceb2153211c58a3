"""The Redfish face of a simulated BMC: HTTPS with sessions, in front of the same kind of Machine as its IPMI face.

Source: DMTF DSP0266 1.20 (protocol: 13.3 sessions, 7.8 ETags, 8.6 errors). What it answers is in redfishdocuments.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from sbkernel.nodes.power import PowerChange
from sbkernel.nodes.simulator import redfishdocuments as documents
from sbkernel.nodes.simulator.faults import Faults
from sbkernel.nodes.simulator.machine import Machine

SESSIONS = f"{documents.ROOT}/SessionService/Sessions"
_JSON = "application/json"


@dataclass
class RedfishFaults:
    """What goes wrong with HTTP and JSON; change any field while the BMC runs."""

    basic_only: bool = False
    """It has no sessions: every request carries user and password."""
    busy: int = 0
    """So many requests are answered with 503 from now on."""
    stale: int = 0
    """So many changes are answered with 412 from now on."""
    unheard: frozenset[str] = frozenset()
    """Requests by these HTTP methods are neither carried out nor answered."""
    unanswered: frozenset[str] = frozenset()
    """Requests by these HTTP methods are carried out and not answered."""
    answer: Callable[[], web.Response | None] = lambda: None
    """Makes what is answered instead, whatever is asked; None: what is right."""
    spoil: Callable[[str, Any], Any] = lambda _path, document: document
    """Called with every path and document; what it returns is sent."""


@dataclass
class SimulatedRedfish:
    """One Redfish BMC in front of one machine. `arrived` lists method and path of each request, unheard ones too."""

    machine: Machine
    users: dict[str, str]
    name: str = "1"
    sessions_max: int = 16
    faults: Faults = field(default_factory=Faults)
    redfish_faults: RedfishFaults = field(default_factory=RedfishFaults)
    systems: tuple[str, ...] = ("1",)
    """The first is the machine; of the others there is nothing but the name."""
    resets: tuple[str, ...] = tuple(documents.CHANGES)
    """The ResetTypes that it takes."""
    modes: bool = True
    """Whether UEFI or legacy boot can be asked for."""
    beacon: str = "Off"
    serial_console: dict[str, Any] = field(default_factory=dict)
    """What its system says of its console; who offers one serves it elsewhere."""
    events: list[dict[str, str]] = field(default_factory=list)
    more: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Further resources by their path."""
    sessions: dict[str, str] = field(default_factory=dict)
    """The token of each session by its path."""
    arrived: list[tuple[str, str]] = field(default_factory=list)
    logins: int = 0
    version: int = 0
    """How often the system was changed, for its ETag."""

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        body = await request.read()
        self.arrived.append((request.method, request.path))
        if self.faults.dead or request.method in self.redfish_faults.unheard:
            await asyncio.Event().wait()
        if self.faults.delay_s:
            await asyncio.sleep(self.faults.delay_s)
        response = self._busy() or self.redfish_faults.answer()
        if response is None:
            response = self._carry_out(request, body)
        if request.method in self.redfish_faults.unanswered:
            await asyncio.Event().wait()
        return response

    def _busy(self) -> web.Response | None:
        if self.redfish_faults.busy <= 0:
            return None
        self.redfish_faults.busy -= 1
        return _error(503, "GeneralError", "The service is starting.", {"Retry-After": "1"})

    def _carry_out(self, request: web.BaseRequest, body: bytes) -> web.Response:
        path = request.path.rstrip("/")
        try:
            given = json.loads(body) if body else {}
        except ValueError:
            return _error(400, "MalformedJSON", "The body is not JSON.")
        if request.method == "POST" and path == SESSIONS:
            return (
                self._log_in(given) if not self.redfish_faults.basic_only else _error(404, "ResourceNotFound", "None.")
            )
        if path != documents.ROOT and not self._known(request):
            return _error(401, "NoValidSession", "There is no valid session established.")
        if request.method == "GET":
            return self._get(path)
        return self._change(request.method, path, given, request.headers.get("If-Match", ""))

    def _log_in(self, given: dict[str, Any]) -> web.Response:
        user, password = given.get("UserName", ""), given.get("Password")
        if user not in self.users or self.users[user] != password:
            return _error(401, "NoValidSession", "Invalid username or password.")
        if len(self.sessions) >= self.sessions_max:
            return _error(503, "SessionLimitExceeded", "The session establishment failed: too many sessions.")
        self.logins += 1
        path, token = f"{SESSIONS}/{self.logins}", secrets.token_hex(16)
        self.sessions[path] = token
        return web.json_response(
            {"@odata.id": path, "UserName": user}, status=201, headers={"Location": path, "X-Auth-Token": token}
        )

    def _known(self, request: web.BaseRequest) -> bool:
        if (token := request.headers.get("X-Auth-Token")) is not None:
            return token in self.sessions.values()
        kind, _, encoded = request.headers.get("Authorization", "").partition(" ")
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
        return kind == "Basic" and user in self.users and self.users[user] == password

    def _get(self, path: str) -> web.Response:
        document = self.more.get(path, documents.document(self, path))
        if document is None:
            return _error(404, "ResourceMissingAtURI", f"There is nothing at {path}.")
        document = self.redfish_faults.spoil(path, document)
        return web.json_response({"@odata.id": path, **document}, headers={"ETag": self._etag()})

    def _change(self, method: str, path: str, given: dict[str, Any], match: str) -> web.Response:
        system = f"{documents.ROOT}/Systems/{self.systems[0]}"
        if method == "DELETE" and path in self.sessions:
            del self.sessions[path]
            return web.Response(status=204)
        if method == "POST" and path == f"{system}/Actions/ComputerSystem.Reset":
            return self._reset(given.get("ResetType"))
        if method == "POST" and path.endswith("/Actions/LogService.ClearLog"):
            self.events.clear()
            return web.Response(status=204)
        if method == "PATCH" and path == system:
            return self._patch(given, match)
        return _error(405, "OperationNotAllowed", f"{method} is not allowed here.")

    def _reset(self, wanted: object) -> web.Response:
        if wanted not in self.resets:
            return _error(400, "ActionParameterValueNotInList", f"The ResetType {wanted} is not in the list.")
        change = documents.CHANGES[str(wanted)]
        if not self.machine.power and change not in (PowerChange.ON, PowerChange.OFF):
            return _error(409, "ActionNotSupported", "The system has no power.")
        self.machine.control(change)
        return web.Response(status=204)

    def _patch(self, given: dict[str, Any], match: str) -> web.Response:
        if self.redfish_faults.stale > 0 or match not in ("", "*", self._etag()):
            self.redfish_faults.stale -= 1
            return _error(412, "PreconditionFailed", "The ETag does not match.")
        if "IndicatorLED" in given:
            self.beacon = str(given["IndicatorLED"])
        if "Boot" in given:
            try:
                self.machine.boot = documents.override(given["Boot"], modes=self.modes)
            except (KeyError, ValueError) as error:
                return _error(400, "PropertyValueNotInList", f"Not in the list: {error}.")
        self.version += 1
        return web.Response(status=204)

    def _etag(self) -> str:
        return f'W/"{self.version}"'


def _error(status: int, key: str, text: str, headers: dict[str, str] | None = None) -> web.Response:
    info = [{"MessageId": f"Base.1.18.{key}", "Message": text}]
    error = {"code": f"Base.1.18.{key}", "message": text, "@Message.ExtendedInfo": info}
    return web.json_response({"error": error}, status=status, headers=headers)


class RedfishServer:
    """A simulated Redfish BMC that listens; close() ends it."""

    def __init__(self, bmc: SimulatedRedfish, web_server: web.Server, server: asyncio.Server) -> None:
        self.bmc = bmc
        self._web = web_server
        self._server = server

    @property
    def address(self) -> tuple[str, int]:
        """The host and port that the BMC listens on."""
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    async def close(self) -> None:
        """Stop listening and end all connections."""
        self._server.close()
        await self._web.shutdown(0.1)


async def serve_redfish(
    bmc: SimulatedRedfish, host: str = "127.0.0.1", port: int = 0, *, context: ssl.SSLContext | None = None
) -> RedfishServer:
    """Let a BMC listen on a TCP port (0: any free one); without a TLS context it speaks plain HTTP.

    Raises OSError when the port is taken.
    """
    web_server = web.Server(bmc.answer, access_log=None)
    server = await asyncio.get_running_loop().create_server(web_server, host, port, ssl=context, backlog=1024)
    return RedfishServer(bmc, web_server, server)


def tls(name: str = "bmc") -> ssl.SSLContext:
    """Return the TLS of a server with a key and a certificate of its own. Many BMCs may share one."""
    import tempfile
    from pathlib import Path

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # The library reads files only; this one is closed to others and gone at once.
    with tempfile.TemporaryDirectory() as where:
        path = Path(where) / "bmc.pem"
        path.write_bytes(key_and_certificate(name))
        context.load_cert_chain(path)
    return context


def key_and_certificate(name: str) -> bytes:
    """Return a new key and a certificate for a name or an address that nobody else signs, as PEM."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    other: x509.GeneralName = x509.DNSName(name)
    with contextlib.suppress(ValueError):
        other = x509.IPAddress(ipaddress.ip_address(name))
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([other]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + certificate.public_bytes(pem)

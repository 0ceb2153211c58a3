"""One request to a Redfish service and its answer: TLS, bounds, and no way to another host."""

from __future__ import annotations

import functools
import json
import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from sbkernel.nodes.failures import RefusedError
from sbkernel.nodes.maintenance import plain
from sbkernel.nodes.redfish.answers import BODY_MAX, Answer, BrokenError, parse
from sbkernel.nodes.redfish.logins import CertificateChangedError, RedfishLogin, no_answer

_UNKNOWN = bytes(32)
"""The fingerprint of nothing: whoever connects with it learns the right one and sends nothing."""
_JSON = "application/json"
_HEADERS = {"Accept": _JSON, "Accept-Encoding": "identity", "OData-Version": "4.0", "User-Agent": "sbkernel"}
_REDIRECTS = (301, 302, 303, 307, 308)
_URL_MAX = 2000
_KEEP_ALIVE_S = 15.0


class Exchange:
    """The connection to one BMC, kept open between requests."""

    def __init__(self, login: RedfishLogin, fingerprint: str) -> None:
        self._login = login
        self._base = URL.build(scheme="https", host=login.host, port=login.port)
        pin: Any = aiohttp.Fingerprint(bytes.fromhex(fingerprint)) if fingerprint else True
        self._pinned = bool(fingerprint)
        connector = aiohttp.TCPConnector(ssl=pin, limit=1, keepalive_timeout=_KEEP_ALIVE_S)
        self._client = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None),
        )  # fmt: skip

    async def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send one request and return the answer, whatever its status.

        Raises NoAnswerError when it was not sent, BrokenError when it may have been, CertificateChangedError, and
        RefusedError for an answer that is none: too long, not JSON, from elsewhere.
        """
        try:
            return await self._ask(method, self._url(path), body, {**_HEADERS, **(headers or {})})
        except aiohttp.ServerFingerprintMismatch as error:
            raise self._changed(error) from None
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError, ssl.SSLError) as error:
            raise self._untrusted(error) from None
        except aiohttp.ClientConnectorError as error:
            raise no_answer(self._login, _reason(error)) from None
        except aiohttp.ClientResponseError as error:
            raise self._no_redfish(f"no HTTP: {plain(error.message, 80)}") from None
        except (aiohttp.ClientError, ConnectionError, RuntimeError, ValueError) as error:
            # A RuntimeError: the connection was closed here, as the node has another login by now.
            raise BrokenError(type(error).__name__) from None

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()

    async def _ask(
        self, method: str, url: URL, body: Mapping[str, Any] | None, headers: dict[str, str], *, moved: bool = False
    ) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = _JSON
        context = _unverified() if self._pinned else _verified(self._login)
        options: dict[str, Any] = {"data": data, "headers": headers, "ssl": context, "allow_redirects": False}
        async with self._client.request(method, url, **options) as response:
            if response.status in _REDIRECTS:
                location = response.headers.get("Location", "")
                if method != "GET" or moved:
                    raise self._elsewhere(location)
                return await self._ask(method, self._url(location, url), body, headers, moved=True)
            content = await self._bounded(response)
        document = parse(content)
        if document is None or response.headers.get("Content-Encoding", "identity") != "identity":
            raise self._no_redfish(plain(response.content_type, 60))
        return Answer(response.status, response.headers, document)

    async def _bounded(self, response: aiohttp.ClientResponse) -> bytes:
        content = bytearray()
        async for chunk in response.content.iter_any():
            content += chunk
            if len(content) > BODY_MAX:
                response.close()
                raise self._no_redfish(f"more than {BODY_MAX >> 20} MB")
        return bytes(content)

    def _url(self, given: str, seen_from: URL | None = None) -> URL:
        """Return the URL of what the BMC gave; one of another host is refused."""
        try:
            url = (seen_from or self._base).join(URL(given, encoded=True))
            if url.origin() == self._base and given.isascii() and given.isprintable() and len(given) < _URL_MAX:
                return url
        except ValueError:
            pass
        raise self._elsewhere(given)

    def _changed(self, error: aiohttp.ServerFingerprintMismatch) -> CertificateChangedError:
        got, expected = error.got.hex(), error.expected.hex()
        bmc = self._login.address
        text = f"BMC {bmc} shows another certificate than before: {got}, not {expected}; nothing was sent"
        return CertificateChangedError(self._login.node, text, got)

    def _untrusted(self, error: Exception) -> RefusedError:
        inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
        why = getattr(inner, "verify_message", "") or getattr(inner, "reason", "") or type(inner).__name__
        text = f"no trusted connection to BMC {self._login.address}: {plain(str(why))}"
        hint = "Does a certificate in the file bmccafile (sb lsdef -t site) sign its own, and is its name in that?"
        return RefusedError(self._login.node, text, hint=hint if self._login.ca_file else "Does it speak TLS there?")

    def _elsewhere(self, where: str) -> RefusedError:
        text = f"BMC {self._login.address} points elsewhere: {plain(where, 80)}; not followed"
        return RefusedError(self._login.node, text, hint="Is its address right? sb lsdef NODE -i bmc")

    def _no_redfish(self, what: str) -> RefusedError:
        text = f"BMC {self._login.address} answers with something other than Redfish ({what})"
        return RefusedError(self._login.node, text, hint="If it has no Redfish: sb chdef NODE mgt=ipmi")


def _reason(error: aiohttp.ClientConnectorError) -> str:
    """Return why there is no connection, as the system says it: `Connection refused`, a name that nobody knows."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else plain(error.strerror or "")


async def certificate_of(login: RedfishLogin) -> str:
    """Return the SHA-256 of the certificate that a BMC shows, in hexadecimal; nothing is sent. Raises ControlError."""
    exchange = Exchange(login, _UNKNOWN.hex())
    try:
        await exchange.ask("GET", "/redfish/v1/")
    except CertificateChangedError as error:
        return error.got
    except BrokenError:
        raise no_answer(login) from None
    finally:
        await exchange.close()
    raise no_answer(login, "it shows no certificate")


@functools.cache
def _unverified() -> ssl.SSLContext:
    """Return the TLS for BMCs that are known by their certificate, old ones with short keys among them."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=1")
    return context


def _verified(login: RedfishLogin) -> ssl.SSLContext:
    """Return the TLS for BMCs whose certificates somebody signs. Raises RefusedError when that file is not there."""
    try:
        return _signed_by(login.ca_file, Path(login.ca_file).stat().st_mtime_ns)
    except (OSError, ValueError) as error:
        text = f"no certificates in {login.ca_file}, which the site's bmccafile names: {plain(str(error))}"
        raise RefusedError(login.node, text, hint="sb chdef -t site bmccafile=PATH, or empty") from None


@functools.lru_cache(maxsize=4)
def _signed_by(ca_file: str, _changed: int) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=ca_file)

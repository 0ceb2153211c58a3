"""How to reach the Redfish service of a node's BMC, as the site says."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from sbkernel.definitions.definition import Definition
from sbkernel.definitions.secret import Secret
from sbkernel.nodes.failures import ControlError, NoAnswerError
from sbkernel.nodes.ipmi.logins import address
from sbkernel.site import Site

HTTPS_PORT = 443
ATTRIBUTES = ("bmc", "bmcusername", "bmcpassword", "bmcsystem", "mgt")
_NO_ANSWER_HINT = "Is its address right (sb lsdef NODE -i bmc), is it reachable from here by https, and has it power?"


@dataclass(frozen=True)
class RedfishLogin:
    """Where a BMC is, how to log in, and which of its systems the node is; the password never shows."""

    node: str
    host: str
    port: int = HTTPS_PORT
    user: str = ""
    password: Secret = field(default_factory=lambda: Secret(""))
    system: str = ""
    """The Id of the system; empty: its only one, or the one that is called like the node."""
    ca_file: str = ""
    """The certificates that sign those of BMCs; empty: each BMC is known by its own certificate."""
    fingerprint: str = field(default="", compare=False)
    """The SHA-256 of the certificate that the site knows, in hexadecimal; empty: none yet."""
    host_key: str = field(default="", compare=False)
    """The fingerprint of the key of its ssh that the site knows, as ssh-keygen(1) shows it; empty: none yet."""
    read_at: float = field(default_factory=time.monotonic, compare=False)

    @property
    def address(self) -> str:
        """The BMC's address for messages."""
        return self.host if self.port == HTTPS_PORT else f"{self.host}:{self.port}"


def login(site: Site, node: Definition) -> RedfishLogin:
    """Return a node's login by Redfish. Raises DefinitionError when its address or password is missing."""
    read_at = time.monotonic()
    host, port = address(node.name, node.get("bmc"), HTTPS_PORT)
    user, password = site.bmc_login(node)
    fingerprint, system = node.get("bmcfingerprint"), node.get("bmcsystem")
    return RedfishLogin(
        node.name, host, port, user, password, system, site.attribute("bmccafile"), fingerprint,
        node.get("bmchostkey"), read_at,
    )  # fmt: skip


class CertificateChangedError(ControlError):
    """The BMC shows another certificate than the site knows; nothing was sent to it."""

    def __init__(self, node: str, text: str, got: str) -> None:
        super().__init__(node, text)
        self.got = got
        """The SHA-256 of the certificate that it shows, in hexadecimal."""

    hint_text = (
        "Was the BMC replaced, or its certificate renewed? sb chdef NODE bmcfingerprint='' forgets the old one.\n"
        "  If not, somebody may be in between."
    )


def no_answer(login: RedfishLogin, why: str = "") -> NoAnswerError:
    """Return the error for a BMC that stays silent, or cannot be reached."""
    text = f"no answer from BMC {login.address}" + (f": {why}" if why else "")
    return NoAnswerError(login.node, text, hint=_NO_ANSWER_HINT)

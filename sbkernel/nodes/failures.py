"""How talking to a BMC fails, in words that say what to do.

BmcError               the command failed on this BMC (a NodeError: carries the node)
 ├─ NoAnswerError      nothing came back in time
 ├─ WrongPasswordError the BMC does not know this password
 ├─ UnknownUserError   the BMC does not know this user
 ├─ NoSlotError        the BMC has no free session
 ├─ RefusedError       the BMC answered and said no
 └─ ConsoleTakenError  another session holds the serial console
"""

from __future__ import annotations

from sbkernel.errors import NodeError


class BmcError(NodeError):
    """A command failed on one BMC; `text` is the message without the node's name."""

    hint_text: str | None = None

    def __init__(self, node: str, text: str) -> None:
        super().__init__(node, text, hint=self.hint_text)
        self.text = text


class NoAnswerError(BmcError):
    """Nothing came back from the BMC in time."""

    hint_text = "Is the BMC's address right, and is it reachable from here over UDP?"


class WrongPasswordError(BmcError):
    """The BMC does not know this password."""

    hint_text = "For all nodes: sb passwd ipmi --username USER. For one: sb chdef NODE bmcpassword=file:PATH"


class UnknownUserError(BmcError):
    """The BMC does not know this user, or does not allow it."""

    hint_text = "For all nodes: sb passwd ipmi --username USER. For one: sb chdef NODE bmcusername=USER"


class NoSlotError(BmcError):
    """The BMC has no free session."""

    hint_text = "Other programs hold sessions on this BMC; they end by themselves after about a minute."


class RefusedError(BmcError):
    """The BMC answered and refused; `code` is the IPMI completion code, or None."""

    def __init__(self, node: str, text: str, code: int | None = None) -> None:
        super().__init__(node, text)
        self.code = code


class ConsoleTakenError(BmcError):
    """Another session holds the serial console of this BMC."""

    hint_text = "A console of a program that died is free again after about a minute."


def login_error(node: str, bmc: str, text: str | None) -> BmcError:
    """Return the error that pyghmi 1.6.19 means by the text it gives when a login fails."""
    said = text or ""
    if "Insufficient resources" in said:
        return NoSlotError(node, f"no free session on BMC {bmc}")
    if "password" in said or "integrity check" in said:
        return WrongPasswordError(node, f"wrong password for BMC {bmc}")
    if "Unauthorized name" in said:
        return UnknownUserError(node, f"user unknown to BMC {bmc}")
    return RefusedError(node, f"BMC {bmc} refused the login: {said}") if said else no_answer(node, bmc)


def no_answer(node: str, bmc: str) -> NoAnswerError:
    """Return the error for a BMC that stays silent."""
    return NoAnswerError(node, f"no answer from BMC {bmc}")

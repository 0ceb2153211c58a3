"""How controlling a node fails, in words that say what to do.

ControlError           it failed on this node (a NodeError: carries the node)
 ├─ NoAnswerError      nothing came back in time; nothing was changed
 │   └─ LostAnswerError  a change was sent, and no answer came: it may have been made
 ├─ WrongPasswordError the node's controller does not know this password
 │   └─ WrongKeyError    it does not know this key K_g
 ├─ UnknownUserError   it does not know this user
 ├─ NoSlotError        it has no free session
 ├─ RefusedError       it answered and said no
 └─ ConsoleTakenError  another session holds the serial console
"""

from __future__ import annotations

from sbkernel.errors import NodeError


class ControlError(NodeError):
    """A node could not be controlled; `text` is the message without the node's name."""

    hint_text: str | None = None

    def __init__(self, node: str, text: str, *, hint: str | None = None) -> None:
        super().__init__(node, text, hint=hint or self.hint_text)
        self.text = text


class NoAnswerError(ControlError):
    """Nothing came back in time, and nothing that changes the node was sent."""

    hint_text = (
        "Is its address right (sb lsdef NODE -i bmc), is it reachable from here over UDP, and does it have power?"
    )


class LostAnswerError(NoAnswerError):
    """A change was sent and no answer came; the change may have been made, and must not be sent again blindly."""

    hint_text = "Look before you send it again: sb rpower NODE stat, sb rcons NODE"


class WrongPasswordError(ControlError):
    """The controller does not know this password."""

    hint_text = "For all nodes: sb passwd ipmi --username USER. For one: sb chdef NODE bmcpassword=file:PATH"


class WrongKeyError(WrongPasswordError):
    """The controller has another key K_g, which the login needs beside the password, or has one at all."""

    hint_text = "sb chdef NODE bmckg=file:PATH (its text, or 0x and hexadecimal digits); empty if the BMC has none"


class UnknownUserError(ControlError):
    """The controller does not know this user, or does not allow it."""

    hint_text = "For all nodes: sb passwd ipmi --username USER. For one: sb chdef NODE bmcusername=USER"


class NoSlotError(ControlError):
    """The controller has no free session."""

    hint_text = "Other programs hold its sessions; they end by themselves after about a minute."


class RefusedError(ControlError):
    """The controller answered and refused; `code` is the completion code of IPMI, or None."""

    def __init__(self, node: str, text: str, code: int | None = None, *, hint: str | None = None) -> None:
        super().__init__(node, text, hint=hint)
        self.code = code


class ConsoleTakenError(ControlError):
    """Another session holds the serial console."""

    hint_text = "A console of a program that died is free again after about a minute."

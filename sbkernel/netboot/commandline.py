"""The kernel command line of a node: the arguments of xCAT (imgurl, XCAT, NODE, BOOTIF, console) and ours. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sbkernel.architectures import architecture
from sbkernel.definitions.definition import Definition
from sbkernel.definitions.tables.node_virtual import LOCAL
from sbkernel.errors import DefinitionError, NodeError
from sbkernel.netboot.addkcmdline import Lookup, added
from sbkernel.netboot.server import Server

# COMMAND_LINE_SIZE of the x86 kernel, which cuts a longer line silently.
LIMIT = 2047
# On a busy host, emulated processors run ahead of timer interrupts, and Linux then panics with "IO-APIC + timer doesn't
# work". With KVM it skips this check; other architectures do not have it.
NO_TIMER_CHECK = "no_timer_check"
_CONTROL = re.compile(r"[^\x20-\x7e]")
_PLACEHOLDER = re.compile(r"#(NODEATTRIB|TABLE):")


def command_line(
    node: Definition,
    image: Definition,
    server: Server,
    facts: Iterable[tuple[str, str]],
    lookup: Lookup = lambda *_: "",
) -> str:
    """Return the arguments: first ours, then addkcmdline of the osimage and of the node.

    `facts` are arguments about the image by name (imgurl, sbkernel.sha256 ...), `lookup` reads xCAT's tables. Raises
    NodeError for a serial port without a speed, for text that iPXE would interpret, and for a line that the kernel
    would cut; DefinitionError for a fact that is more than one word.
    """
    words = [
        f"NODE={node.name}",
        f"XCAT={server.host_port}",
        *(f"{key}={plain_word(key, value)}" for key, value in facts),
    ]
    words += _consoles(node, image)
    if node.get("vmhost") == LOCAL and image.get("osarch") in ("", "x86_64", "x86"):
        words.append(NO_TIMER_CHECK)
    if not server.takes_status:
        words.append("nonodestatus")
    words += server.debug
    if size := image.get("crashkernelsize"):
        words.append(f"crashkernel={size}")
    for definition in (image, node):
        words += _added(node, definition, server, lookup)
    return _within_limit(node, words)


def target_line(node: Definition, target: Definition, server: Server, lookup: Lookup = lambda *_: "") -> str:
    """Return the arguments for a boottarget: its kcmdline, then what the node adds. Raises NodeError, as above."""
    words = _added(node, target, server, lookup, "kcmdline") + _added(node, node, server, lookup)
    return _within_limit(node, words)


def _within_limit(node: Definition, words: list[str]) -> str:
    line = " ".join(words)
    if len(line) > LIMIT:
        raise NodeError(node.name, f"the kernel command line has {len(line)} characters; the limit is {LIMIT}")
    return line


def _consoles(node: Definition, image: Definition) -> Iterator[str]:
    yield "console=tty0"
    port, speed = node.get("serialport"), node.get("serialspeed")
    if not port:
        return
    if not speed:
        raise NodeError(
            node.name,
            f"serialport defined, but no serialspeed for {node.name} in nodehm table",
            hint=f"sb chdef {node.name} serialspeed=115200",
        )
    flow = "n8r" if node.get("serialflow") in ("hard", "tcs", "ctsrts") else ""
    yield f"console={architecture(image.get('osarch') or node.get('arch')).serial}{port},{speed}{flow}"


def _added(
    node: Definition, definition: Definition, server: Server, lookup: Lookup, attribute: str = "addkcmdline"
) -> list[str]:
    text = added(node, definition, server.host, lookup, attribute)
    wrong = _what_ipxe_would_read(text)
    if wrong:
        where = f"{attribute} of {definition.objtype} {definition.name}"
        raise NodeError(node.name, f"{where} holds {wrong}", hint="the boot loader would not pass it to the kernel")
    return text.split()


def _what_ipxe_would_read(text: str) -> str | None:
    """Return what iPXE would interpret in a text, or None. iPXE has no quoting (src/core/exec.c)."""
    if _CONTROL.search(text):
        return "a character that is not plain ASCII"
    if match := _PLACEHOLDER.search(text):
        return f"{match.group()} without the names of a table and a column, and # at its end"
    if "${" in text:
        return "${, which iPXE expands"
    return next((f"the word {word}" for word in text.split() if word in ("||", "&&", ";") or word[0] == "#"), None)


def plain_word(what: str, value: str) -> str:
    """Return a value if it can be one word of a boot script. Raises DefinitionError."""
    if not value or _CONTROL.search(value) or " " in value or "${" in value or value[0] == "#":
        raise DefinitionError(f"{what} {value!r} cannot be written to a boot file")
    return value

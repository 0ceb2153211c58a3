"""What a simulated iPXE makes of the scripts of nodeset: variables, and what it loads or where it goes next. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_SET = re.compile(r"set (?P<name>[^\s:]+)(?::\S+)? (?P<value>.+)")
_ISSET = re.compile(r"isset (?P<value>\S*) ?\|\| ?(?P<otherwise>.+)")
_OPTIONS = r"(?:--\S+ (?:\d+ |initrd )?)*"
_KERNEL = re.compile(rf"kernel {_OPTIONS}(?P<url>\S+) (?P<line>.*?)(?: \|\|.*)?")
_INITRD = re.compile(rf"initrd {_OPTIONS}(?P<url>\S+)(?: .*)?")
_CHAIN = re.compile(r"chain (?:--\S+ )*(?P<url>\S+)(?: .*)?")
_LOCAL = re.compile(r"^# boot$", re.MULTILINE)


class Script(NamedTuple):
    """What a script loads, "" for nothing; where it leads, if it loads nothing; and whether it leaves the network."""

    kernel: str = ""
    line: str = ""
    initrd: str = ""
    chain: str = ""
    is_local: bool = False


def carried_out(text: str, variables: dict[str, str]) -> Script:
    """Carry out a script down to where it leads elsewhere or has what it boots, as if all went well.

    `variables` are those of iPXE, which last from one script to the next.
    """
    found = Script(is_local=bool(_LOCAL.search(text)))
    for raw in text.splitlines():
        line = _VARIABLE.sub(lambda one: variables.get(one[1], ""), raw)
        if isset := _ISSET.fullmatch(line):
            if isset["value"]:
                continue
            line = isset["otherwise"]
        if given := _SET.fullmatch(line):
            variables[given["name"]] = given["value"]
        elif chain := _CHAIN.fullmatch(line):
            return found._replace(chain=chain["url"])
        elif kernel := _KERNEL.fullmatch(line):
            found = found._replace(kernel=kernel["url"], line=kernel["line"])
        elif initrd := _INITRD.fullmatch(line):
            return found._replace(initrd=initrd["url"])
    return found

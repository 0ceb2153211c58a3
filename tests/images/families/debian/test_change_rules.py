"""What stands against a change: each rule with a package that it is about, and one that is none of its business."""

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath as Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.images.families.change_rules import Entry, World
from sbkernel.images.families.debian.change_rules import (
    HARMLESS_SECTIONS,
    HARMLESS_TRIGGERS,
    Part,
    objection,
    unknown_line,
)

DIR, FILE, PRIVATE = Entry("drwxr-xr-x", "0/0"), Entry("-rw-r--r--", "0/0"), Entry("drwx------", "0/0")
FRAME = """#!/bin/sh
# postinst script for x
set -e
case "$1" in
    configure)
    ;;
    abort-upgrade|abort-remove)
    ;;
    *)
        echo "postinst called with unknown argument \\`$1'" >&2
        exit 1
    ;;
esac
{}
exit 0
"""


def section(tool: str, text: str = "anything --at all") -> str:
    return f"# Automatically added by {tool}/13.11.4\n{text}\n# End automatically added section"


def part(name: str = "tool", *paths: str, control: Mapping[str, str] | None = None, base: bool = False) -> Part:
    """Return a package of directories, which end with a slash, and files."""
    entries = {Path(path): DIR if path.endswith("/") else FILE for path in ("/usr/", "/usr/share/", *paths)}
    return Part(name, entries, control or {}, base)


def world(
    owners: Mapping[str, Sequence[str]] | None = None,
    there: Mapping[str, Entry] | None = None,
    below: Mapping[str, Sequence[str]] | None = None,
    interests: Sequence[tuple[str, str]] = (),
    special: Sequence[str] = (),
    scripts: str = "",
) -> World:
    return World(
        {Path(path): frozenset(names) for path, names in (owners or {}).items()},
        {Path("/usr"): DIR, Path("/usr/share"): DIR, **{Path(path): entry for path, entry in (there or {}).items()}},
        {Path(path): frozenset(map(Path, paths)) for path, paths in (below or {}).items()},
        interests, frozenset(map(Path, special)), scripts,
    )  # fmt: skip


TOOL = ("/usr/bin/", "/usr/bin/tool", "/usr/share/tool/", "/usr/share/tool/data")
OWNED = {path.rstrip("/"): ["tool"] for path in TOOL[1:]} | {"/usr/bin": ["tool", "other"]}
THERE = {path.rstrip("/"): DIR if path.endswith("/") else FILE for path in TOOL}
BELOW = {"/usr/share/tool": ["/usr/share/tool/data"]}


def test_a_package_without_scripts_comes_and_leaves() -> None:
    assert objection([part("tool", *TOOL)], [], world(there={"/usr/bin": DIR})) == ""
    assert objection([], [part("tool", *TOOL)], world(OWNED, THERE, BELOW)) == ""
    new = part("tool", *TOOL[:-1], "/usr/share/tool/new")
    assert objection([new], [part("tool", *TOOL)], world(OWNED, THERE, BELOW)) == ""


@pytest.mark.parametrize(
    ("control", "why"),
    [
        ({"postinst": "#!/usr/bin/perl\n"}, "postinst of tool does what nothing is known of: #!/usr/bin/perl"),
        ({"postinst": FRAME.format("adduser --system tool")}, "nothing is known of: adduser --system tool"),
        ({"prerm": FRAME.format(section("dh_own"))}, "nothing is known of: # Automatically added by dh_own"),
        ({"templates": "Template: x"}, "tool asks questions"),
        ({"triggers": "interest-noawait /usr/share/x\n"}, "tool has the trigger interest-noawait /usr/share/x"),
        ({"triggers": "activate-noawait update-initramfs\n"}, "tool has the trigger activate"),
    ],
)
def test_scripts_questions_and_triggers_that_nobody_knows(control: Mapping[str, str], why: str) -> None:
    tool = part("tool", *TOOL, control=control)
    assert why in objection([tool], [], world())
    assert why in objection([], [tool], world(OWNED, THERE, BELOW))


def test_what_debhelper_adds_and_ldconfig_are_known() -> None:
    control = {"postinst": FRAME.format("\n".join(map(section, HARMLESS_SECTIONS))), "triggers": "activate ldconfig\n"}
    assert objection([part("tool", *TOOL, control=control)], [], world()) == ""


@given(st.text(alphabet="abc =|&;$()`'\"\\/-#\n\t", min_size=1, max_size=30))
def test_no_line_passes_by_chance(text: str) -> None:
    found = unknown_line(FRAME.format(f"rm -r /etc {text}"))
    assert found.startswith("rm -r /etc")


def test_owners_that_scripts_make() -> None:
    entries = {Path("/usr/share/tool"): Entry("-rw-r-----", "root/adm"), Path("/usr/share/own"): FILE}
    assert objection([Part("tool", entries)], [], world()) == ""
    made = {**entries, Path("/usr/share/own"): Entry("-rw-r-----", "root/munge")}
    assert "belongs to root/munge, whom scripts" in objection([Part("tool", made)], [], world())


def test_a_package_of_the_base_system_is_not_touched() -> None:
    assert "belongs to the base system" in objection([part("tool", base=True)], [], world())
    assert "belongs to the base system" in objection([], [part("dpkg")], world())


def test_others_look_at_what_comes_or_leaves() -> None:
    tool = part("tool", *TOOL)
    assert "may run /usr/bin/tool" in objection([tool], [], world(scripts="if command -v tool; then x; fi"))
    assert objection([tool], [], world(scripts="# the tool for it\ntoolbox")) == ""
    data = part("tool", *TOOL[2:])
    assert "may look at /usr/share/tool/data" in objection([data], [], world(scripts="cat /usr/share/tool/data"))
    assert "may look at /usr/share/tool/data" in objection([data], [], world(scripts="ls /usr/share/tool"))
    unmerged = part("tool", "/usr/lib/", "/usr/lib/tool/", "/usr/lib/tool/x")
    assert "may look at /usr/lib/tool/x" in objection([unmerged], [], world(scripts="ls /lib/tool"))
    library = part("tool", "/usr/lib/", "/usr/lib/x86_64-linux-gnu/", "/usr/lib/x86_64-linux-gnu/libtool.so.1")
    assert objection([library], [], world(scripts="ls /lib/x86_64-linux-gnu/ld-*.so*")) == ""
    hook = part("tool", "/etc/", "/etc/kernel/", "/etc/kernel/postinst.d/", "/etc/kernel/postinst.d/tool")
    assert "other packages look at /etc/kernel" in objection([hook], [], world())


def test_what_triggers_of_others_do_is_known_or_stands_against_it() -> None:
    pages = part("tool", "/usr/share/man/", "/usr/share/man/man1/", "/usr/share/man/man1/tool.1.gz")
    assert "man-db does something" in objection([pages], [], world(interests=[("/usr/share/man", "man-db")]))
    assert objection([part("tool", *TOOL)], [], world(interests=[("/usr/share/man", "man-db")])) == ""
    known = [(path, by) for path, by in HARMLESS_TRIGGERS if path.startswith("/")]
    bus = part("tool", *(f"{path}/x" for path, _ in known))
    assert objection([bus], [], world(interests=known)) == ""


def test_a_path_that_is_there_already_or_belongs_to_two() -> None:
    tool = part("tool", *TOOL)
    assert "is there without it" in objection([tool], [], world(there={"/usr/share/tool/data": FILE}))
    assert "another owner or mode" in objection([tool], [], world(there={"/usr/share/tool": PRIVATE}))
    assert "is in both tool and two" in objection([tool, part("two", "/usr/bin/tool")], [], world())
    assert "is in both tool and two" in objection([tool, part("two", "/usr/bin/tool/")], [], world())
    shared = world({**OWNED, "/usr/bin/tool": ["other", "tool"]}, THERE, BELOW)
    assert "belongs to other, too" in objection([], [tool], shared)
    assert "is diverted" in objection([tool], [], world(special=["/usr/bin/tool"]))
    assert "is diverted" in objection([], [tool], world(OWNED, THERE, BELOW, special=["/usr/bin/tool"]))


def test_a_package_that_would_leave_files_or_modes() -> None:
    tool = part("tool", *TOOL)
    left = world(OWNED, THERE, {"/usr/share/tool": ["/usr/share/tool/data", "/usr/share/tool/cache"]})
    assert "would leave /usr/share/tool/cache" in objection([], [tool], left)
    private = Part("tool", {**tool.entries, Path("/usr/bin"): PRIVATE})
    assert "may have got its mode from each" in objection([], [private], world(OWNED, THERE, BELOW))


def test_an_update_that_leaves_a_conffile_or_moves_one() -> None:
    old = part("tool", *TOOL, control={"conffiles": "/etc/tool.conf\n"})
    assert "leaves /etc/tool.conf" in objection([part("tool", *TOOL)], [old], world(OWNED, THERE, BELOW))
    script = FRAME.format(section("dh_installdeb", 'dpkg-maintscript-helper rm_conffile /etc/x 1.0 -- "$@"'))
    moves = part("tool", *TOOL, control={"preinst": script})
    assert objection([moves], [], world()) == ""
    assert "moves files of older versions" in objection([moves], [part("tool", *TOOL)], world(OWNED, THERE, BELOW))

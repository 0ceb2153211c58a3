"""What stands against a change of rpm packages: each rule with a package that it is about, and one that it is not."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath as Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.images.families.change_rules import Entry, World
from sbkernel.images.families.rpm.change_rules import (
    HARMLESS_TRIGGERS,
    Part,
    Scene,
    Script,
    Spoken,
    Trigger,
    objection,
    unknown_line,
)

DIR, FILE = Entry("drwxr-xr-x", "0/0"), Entry("-rw-r--r--", "0/0")
HELPER = "/usr/lib/systemd/systemd-update-helper"
EL8 = """if [ $1 -eq 1 ] ; then
    # Initial installation
    systemctl preset x.service >/dev/null 2>&1 || :
fi
"""
EL8_OFF = """if [ $1 -eq 0 ] ; then
    systemctl --no-reload disable --now x.service > /dev/null 2>&1 || :
fi
"""
EL9 = f"""if [ $1 -eq 1 ] && [ -x "{HELPER}" ]; then
    # Initial installation
    {HELPER} install-system-units sshd.service a@b.socket || :
fi
"""
KNOWN = {
    "EL 8": EL8,
    "EL 8, removal": EL8_OFF,
    "EL 8, update": EL8.replace("-eq 1", "-ge 1").replace("preset", "try-restart"),
    "EL 9, Fedora": EL9,
    "their removal": EL9.replace("-eq 1", "-eq 0").replace("install-", "remove-"),
    "their update": EL9.replace("-eq 1", "-ge 1").replace("install-", "mark-restart-"),
    "libraries": "/sbin/ldconfig\n",
    "nothing": "\n# nothing\n:\n",
}
ODD = (
    "useradd -r x", "systemctl preset x.service; rm -rf /", "systemctl preset $(x)", "systemctl enable x.service",
    "if [ -x /usr/bin/x ]; then", "ldconfig -X /x", "update-alternatives --install a b c 1", "exit 1",
    "systemctl stop x &", f"{HELPER} install-system-units x || rm x", "systemd-sysusers x.conf", "cat <<END",
    "systemctl --root=/x preset x",
)  # fmt: skip


def spoken(name: str, *scripts: tuple[str, str], program: str = "/bin/sh", triggers: Sequence[Trigger] = ()) -> Spoken:
    return Spoken(
        name, f"{name}=1-1:noarch", tuple(Script(kind, program, text) for kind, text in scripts), tuple(triggers)
    )


def part(name: str = "tool", *paths: str, says: Spoken | None = None) -> Part:
    """Return a package of directories, which end with a slash, and files."""
    entries = {Path(path): DIR if path.endswith("/") else FILE for path in paths}
    return Part(name, entries, says or spoken(name), tuple(path.rstrip("/") for path in paths))


def scene(
    *staying: Spoken, there: Mapping[str, Entry] | None = None, owners: Mapping[str, Sequence[str]] | None = None
) -> Scene:
    world = World(
        {Path(path): frozenset(names) for path, names in (owners or {}).items()},
        {Path(path): entry for path, entry in (there or {}).items()},
        {}, (), frozenset(), "\n".join(one.text for one in staying),
    )  # fmt: skip
    keys = [one.key for one in staying]
    return Scene(world, staying, keys, [*keys, "tool=1-1:noarch"])


TOOL = ("/usr/bin/tool", "/usr/share/tool/", "/usr/share/tool/data")
OWNED = {path.rstrip("/"): ["tool"] for path in TOOL}


def test_a_package_without_scriptlets_comes_and_leaves() -> None:
    assert objection([part("tool", *TOOL)], [], scene()) == ""
    assert objection([], [part("tool", *TOOL)], scene(owners=OWNED)) == ""
    assert objection([part("tool", *TOOL)], [part("tool", *TOOL[:-1])], scene(owners=OWNED)) == ""


@pytest.mark.parametrize("text", KNOWN.values(), ids=KNOWN)
def test_what_macros_of_distributions_write_is_known(text: str) -> None:
    assert unknown_line("/bin/sh", text) == ""


@pytest.mark.parametrize("line", ODD)
def test_anything_else_is_not(line: str) -> None:
    assert unknown_line("/bin/sh", f":\n{line}\n") == line
    assert line in objection([part(says=spoken("tool", ("postin", line)))], [], scene())


@given(st.text(alphabet="abc =|&;$()`'\"\\/-<>[]\n\t", min_size=1, max_size=30))
def test_no_line_passes_with_a_command_behind_a_known_one(tail: str) -> None:
    line = f"/sbin/ldconfig ;{tail}"
    assert unknown_line("/bin/sh", line) == line.split("\n")[0].strip()


def test_interpreters() -> None:
    assert unknown_line("/sbin/ldconfig", "") == ""
    assert unknown_line("/sbin/ldconfig", "x") == "/sbin/ldconfig x"
    assert unknown_line("<lua>", "-- x\nposix.mkdir('/x')") == "<lua> -- x"
    assert unknown_line("/usr/bin/systemd-sysusers", "# nothing") == "/usr/bin/systemd-sysusers"


def test_a_scriptlet_that_nobody_knows_is_named_with_its_package() -> None:
    maker = spoken("tool", ("prein", "useradd -r tool"))
    expected = "%pre of tool does what nothing is known of: useradd -r tool"
    assert objection([part(says=maker)], [], scene()) == expected
    assert objection([], [part(says=maker)], scene()) == expected


def test_triggers_on_files_and_packages() -> None:
    def waiting(by: str, waits: str, *names: str) -> Spoken:
        return spoken(by, triggers=[Trigger(waits, names, "/bin/sh", "install-info x")])

    tool = part("tool", *TOOL)
    assert objection([tool], [], scene(waiting("info", "files", "/usr/share/t"))).startswith("info does something when")
    assert objection([tool], [], scene(waiting("info", "files", "/usr/share/info"))) == ""
    assert objection([tool], [], scene(waiting("x", "packages", "tool"))) == "x does something when tool comes or goes"
    assert objection([tool], [], scene(waiting("x", "packages", "other"))) == ""
    by, place = next(iter(HARMLESS_TRIGGERS))
    unit = part("tool", f"{place}/tool.service")
    assert objection([unit], [], scene(waiting(by, "files", f"{place}/"))) == ""
    assert "does something when files" in objection([unit], [], scene(waiting("x", "files", f"{place}/")))
    own = part(says=waiting("tool", "files", "/usr/share/fonts"))
    assert objection([own], [], scene()) == "tool has a trigger on /usr/share/fonts: install-info x"


def test_packages_that_may_make_users_come_in_the_same_order() -> None:
    users = [spoken(name, ("prein", f"useradd {name}")) for name in ("a", "b")]
    still = replace(scene(*users), after=["a=1-1:noarch", "tool=1-1:noarch", "b=1-1:noarch"])
    assert objection([part("tool", *TOOL)], [], still) == ""
    turned = replace(still, after=["b=1-1:noarch", "a=1-1:noarch", "tool=1-1:noarch"])
    assert objection([part("tool", *TOOL)], [], turned).startswith("b would come before a, and")


UNIT = "/usr/lib/systemd/system/x.service"
WANTS = {"/etc/systemd/system": [], "/etc/systemd/system/a.wants": [UNIT]}


def unit(*scripts: tuple[str, str]) -> Part:
    says = spoken("tool", *(scripts or (("postin", EL8), ("preun", EL8_OFF))))
    return replace(part("tool", UNIT, says=says), units={UNIT: "1"})


def test_units_are_switched_on_when_it_is_known_which_are() -> None:
    presets = replace(scene(spoken("release")), deciding=["release=1-1:noarch"])
    late = replace(presets, after=["tool=1-1:noarch", "release=1-1:noarch"])
    for tool in (unit(), unit(("postin", ":"))):
        assert objection([tool], [], presets) == ""
        assert objection([tool], [], late) == "tool would come before release, which says what units are on"
    owned = scene(owners={UNIT: ["tool"]})
    assert objection([unit()], [unit()], owned) == ""
    others = replace(unit(), units={UNIT: "2"})
    assert "are others than those of the old one" in objection([others], [unit()], owned)
    another = unit(("postin", EL8.replace("x.service", "y@1.service")))
    assert objection([another], [], scene()) == "tool switches y@.service, which it does not have"
    always = unit(("preun", "systemctl disable x.service"))
    assert objection([always], [], scene()) == "tool switches x.service also when it is updated"


def test_units_are_switched_off_and_no_directory_is_left_or_lost() -> None:
    on = replace(scene(owners={UNIT: ["tool"]}), links=WANTS, owned=["/etc/systemd/system"])
    assert objection([], [unit()], on) == ""
    assert objection([], [unit(("postin", EL8))], on) == f"tool does not switch {UNIT} off"
    assert "would go with the last unit in it" in objection([], [unit()], replace(on, owned=list(WANTS)))
    assert objection([unit()], [unit()], replace(on, owned=list(WANTS))) == ""
    assert objection([], [unit()], replace(on, owned=[])).startswith("nobody owns /etc/systemd/system, which tool")


def test_what_is_in_the_tree_already_or_stays_in_it() -> None:
    tool = part("tool", *TOOL)
    assert "is there without it" in objection([tool], [], scene(there={"/usr/bin/tool": FILE}))
    private = {"/usr/share/tool": Entry("drwx------", "0/0")}
    assert "with another owner or mode" in objection([tool], [], scene(there=private))
    assert "belongs to tool/tool" in objection(
        [replace(tool, entries={Path("/x"): Entry("-rw-r--r--", "tool/tool")})], [], scene()
    )
    assert objection([], [replace(tool, changed=("/etc/tool.conf",))], scene()).startswith(
        "/etc/tool.conf of tool is not"
    )
    assert (
        objection([], [replace(tool, ghosts=("/var/tool",))], scene()) == "/var/tool of tool was made by somebody else"
    )
    assert objection([tool], [], replace(scene(), several=["tool"])) == "there are several packages tool"
    named = spoken("x", ("postin", "mkdir -p /srv/data"))
    left = replace(scene(named), emptied=["/srv/data"])
    assert objection([], [tool], left).startswith("scriptlets of other packages name /srv/data, where nothing")
    presets = part("tool", "/usr/lib/systemd/system-preset/tool.preset")
    assert "other packages look at /usr/lib/systemd/system-preset" in objection([presets], [], scene())

"""makehosts: xCAT's lines in a hosts file of its own; never the one of this host."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.cli.group import group
from sbkernel.cli.main import VERB_GROUPS
from sbkernel.definitions.attributes import SITE
from sbkernel.errors import DefinitionError, NotFoundError, SbkernelError
from sbkernel.netboot.makehosts import Entry, Form, makehosts, with_entries, without
from sbkernel.site import Site

OTHERS = "# by hand\n127.0.0.1 localhost\n\n192.0.2.1\tother.example other\n"


@pytest.fixture
def hosts(site: Site, tmp_path: Path) -> Path:
    site.set("site", SITE, domain="lab")
    site.set("network", "mgt", net="10.0.0.0", mask="255.255.255.0")
    site.set("network", "ib", net="10.1.0.0", mask="/16", domain="ib.lab")
    site.set("node", "n1", groups="all", ip="10.0.0.1", hostnames="one,uno",
             **{"nicips.ib0": "10.1.0.1", "nichostnamesuffixes.ib0": "-ib", "nicips.eth1": "10.2.0.1"})  # fmt: skip
    site.set("node", "n2", groups="all", ip="10.0.0.2", otherinterfaces="-bmc:10.9.0.2,x2:10.9.0.3")
    path = tmp_path / "hosts"
    path.write_text(OTHERS)
    return path


LINES = (
    "10.0.0.1 n1 n1.lab one uno\n10.2.0.1 n1-eth1 n1-eth1.lab \n10.1.0.1 n1-ib n1-ib.ib.lab \n"
    "10.0.0.2 n2 n2.lab \n10.9.0.2 n2-bmc n2-bmc.lab \n10.9.0.3 x2 x2.lab \n"
)


def test_lines_are_those_of_xcat_and_others_stay(site: Site, hosts: Path) -> None:
    done = makehosts(site, hosts)
    assert done.changed and sorted(hosts.read_text().removeprefix(OTHERS).splitlines()) == sorted(LINES.splitlines())
    assert hosts.with_name("hosts.xcatbak").read_text() == OTHERS
    assert not makehosts(site, hosts).changed
    assert set(done.frame().name) == {"n1", "n1-ib", "n1-eth1", "n2", "n2-bmc", "x2"}
    site.set("node", "n1", ip="10.0.0.7", hostnames="")
    makehosts(site, hosts, "n1", form=Form(long_first=True))
    assert "\n10.0.0.7 n1.lab n1 \n" in hosts.read_text() and "10.0.0.1" not in hosts.read_text()
    makehosts(site, hosts, "n1-n2", delete=True)
    assert hosts.read_text() == OTHERS


def test_a_new_file_and_the_settings(site: Site, hosts: Path) -> None:
    site.set("site", SITE, FQDNfirst="yes")
    makehosts(site, hosts, "n2", new=True)
    assert hosts.read_text().splitlines()[:2] == ["127.0.0.1 localhost", "10.0.0.2 n2.lab n2 "]
    fresh = hosts.with_name("fresh")
    makehosts(site, fresh, "n1")
    assert (
        fresh.read_text().startswith("10.0.0.1 n1.lab n1 one uno\n") and not fresh.with_name("fresh.xcatbak").exists()
    )
    assert Form(add_domain=True) and "uno.lab one.lab one uno" in with_entries(
        "", [Entry("n1", "10.0.0.1", "n1", "lab", "one uno")], Form(add_domain=True)
    )


def test_what_is_missing_is_a_warning_and_what_is_wrong_an_error(site: Site, hosts: Path) -> None:
    site.set("node", "n3", groups="all")
    site.set("site", SITE, domain="")
    done = makehosts(site, hosts)
    assert "Ignoring node 'n3', it can not be resolved." in done.warnings
    assert any(text.startswith("No domain can be determined for node 'n1'.") for text in done.warnings)
    with pytest.raises(NotFoundError):
        makehosts(site, hosts, "n9")
    for wrong in ({"delete": True}, {"delete": True, "new": True, "noderange": "n1"}):
        with pytest.raises(DefinitionError, match="-d takes the nodes"):
            makehosts(site, hosts, **wrong)  # type: ignore[arg-type]


def test_a_link_is_followed_and_a_file_that_is_mounted_is_said(site: Site, hosts: Path) -> None:
    link = hosts.with_name("link")
    link.symlink_to(hosts)
    makehosts(site, link, "n1")
    assert link.is_symlink() and "10.0.0.1 n1" in hosts.read_text()
    script = 'mount --bind "$1" "$1" && exec "$2" -m sbkernel.cli --site "$3" makehosts n2 --file "$1"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", hosts, sys.executable, site.root],
        capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.returncode == 1 and "is a mount of its own" in done.stderr
    assert "10.0.0.2" not in hosts.read_text()


def test_the_command_line(site: Site, hosts: Path) -> None:
    words = ["--site", str(site.root), "makehosts", "n2", "--file", str(hosts)]
    before = Path("/etc/hosts").read_bytes()
    done = CliRunner().invoke(group(VERB_GROUPS), words, prog_name="sb")
    assert (done.exit_code, done.output) == (0, "") and "10.0.0.2 n2 n2.lab \n" in hosts.read_text()
    done = CliRunner().invoke(group(VERB_GROUPS), [*words, "-m"], prog_name="sb")
    assert isinstance(done.exception, SbkernelError)
    assert Path("/etc/hosts").read_bytes() == before


_NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,6}", fullmatch=True)
_ENTRIES = st.builds(
    lambda name, number, others: Entry(name, f"10.0.{number}.1", name, "lab", others),
    _NAMES, st.integers(0, 255), st.lists(_NAMES, max_size=2).map(",".join),
)  # fmt: skip


@given(
    st.lists(_ENTRIES, unique_by=(lambda one: one.name, lambda one: one.ip)),
    st.lists(st.text("# \tabc.é:1"), max_size=5),
)
def test_any_file_keeps_its_other_lines_and_a_second_run_changes_nothing(
    entries: list[Entry], other: list[str]
) -> None:
    text = "".join(f"{line}\n" for line in other)
    once = with_entries(text, entries, Form())
    assert with_entries(once, entries, Form()) == once
    ours = {one.name for one in entries}
    kept = [
        line for line in text.splitlines() if not ({*line.split(), *(w.split(".")[0] for w in line.split())} & ours)
    ]
    assert [line for line in once.splitlines() if line in kept] == kept
    assert [line for line in without(once, entries).splitlines() if line in kept] == kept

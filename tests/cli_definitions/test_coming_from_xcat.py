"""What the page "Coming from xCAT" says is different, where no other test says it."""

import re
from pathlib import Path

import pytest
from sbrun import Sb

from sbkernel import resources
from sbkernel.cli.main import VERBS

PAGE = (resources.notebooks() / "docs/coming-from-xcat.md").read_text()


def test_every_verb_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`sb ([a-z-]+)", PAGE)) | set(re.findall(r"^sb ([a-z-]+)", PAGE, re.MULTILINE))
    assert named <= set(VERBS)
    # What is named as missing is missing.
    missing = PAGE.partition("## What is not there yet")[2].partition("##")[0]
    assert not set(re.findall(r"`([a-z]+)`", missing)) & set(VERBS)


@pytest.fixture
def nodes(sb: Sb) -> Sb:
    assert sb("mkdef", "n1,n2", "groups=all,compute", "mgt=ipmi").code == 0
    return sb


REFUSED = [
    "nodeadd x1 nodehm.mgt=ipmi", "chdef x2 mgt=ipmi", "rmdef -t site", "rmdef -t site clustersite",
    "nodels n1 nodehm.mg", "chdef n1 mgt=magic", "nodech n1 nodehm.mg=x",
]  # fmt: skip


@pytest.mark.parametrize("line", REFUSED)
def test_refused_and_nothing_is_written(nodes: Sb, line: str) -> None:
    before = nodes("export").out
    done = nodes(*line.split())
    assert done.code == 1
    assert done.err.startswith("Error: ")
    assert nodes("export").out == before


def test_settings_stay_when_one_is_made_anew(sb: Sb) -> None:
    before = sb("tabdump", "site").out.splitlines()
    assert sb("mkdef", "-f", "-t", "site", "domain=example.org").code == 0
    assert set(before) < set(sb("tabdump", "site").out.splitlines())


def test_a_network_does_not_take_the_place_of_another(sb: Sb) -> None:
    sb("mkdef", "-t", "network", "a", "net=10.0.0.0", "mask=255.0.0.0")
    sb("mkdef", "-t", "network", "b", "net=11.0.0.0", "mask=255.0.0.0")
    assert sb("chdef", "-t", "network", "b", "net=10.0.0.0").code == 1
    assert sb("lsdef", "-t", "network", "b", "-i", "net", "-c").out == "b: net=11.0.0.0\n"


def test_members_move_along_with_their_group(nodes: Sb) -> None:
    nodes("mkdef", "-t", "group", "g", "members=n1")
    assert nodes("chdef", "-t", "group", "-o", "g", "-n", "new").out == "Changed the object name from g to new.\n"
    assert nodes("lsdef", "n1", "-i", "groups", "-c").out == "n1: groups=all,compute,new\n"


def test_a_member_is_removed_and_that_is_said(nodes: Sb) -> None:
    done = nodes("chdef", "-t", "group", "compute", "-m", "members=n1")
    assert (done.code, done.out) == (0, "1 object definitions have been created or modified.\n")
    assert nodes("nodels", "compute").out == "n2\n"


def test_an_empty_value_clears(nodes: Sb) -> None:
    assert nodes("nodech", "n1", "nodehm.mgt=").code == 0
    assert '"n1"' not in nodes("tabdump", "nodehm").out


def test_texts_are_utf_8(nodes: Sb) -> None:
    nodes("chdef", "n1", "usercomment=é")
    assert nodes("lsdef", "n1", "-i", "usercomment", "-c").out == "n1: usercomment=é\n"


def test_scripts_may_give_passwords_as_words(nodes: Sb, tmp_path: Path) -> None:
    for value in ("hunter2", f"file:{tmp_path}/pw"):
        done = nodes("chdef", "n1", f"bmcpassword={value}")
        assert done == (0, "1 object definitions have been created or modified.\n", "")
    assert nodes("lsdef", "n1", "-i", "bmcpassword", "-c").out == f"n1: bmcpassword=file:{tmp_path}/pw\n"

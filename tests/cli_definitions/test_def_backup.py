"""`lsdef -a -l -z` into an empty site: the site is the same again."""

import re
from pathlib import Path

import pytest
from sbrun import Sb, error, warning

from sbkernel.cli.main import main
from sbkernel.site import Site


@pytest.fixture
def full(sb: Sb) -> Sb:
    """A site with something of most kinds."""
    sb("mkdef", "n1,n2", "groups=all,named", "mgt=ipmi", "nicips.eth0=10.0.0.1", "nicips.ib0=10.1.0.1|10.2.0.1")
    sb("mkdef", "n3", "groups=all", 'usercomment="quoted" and: more:', "postscripts=own")
    sb("mkdef", "-t", "group", "static", "members=n1,n3", "serialport=0")
    sb("mkdef", "-t", "group", "empty")
    sb("mkdef", "-t", "group", "-o", "dynamic", "-d", "-w", "mgt==ipmi", "-w", "node=~1")
    sb("chdef", "-t", "group", "named", "serialspeed=115200")
    sb("mkdef", "-t", "network", "net1", "net=10.0.0.0", "mask=255.255.255.0", "gateway=<xcatmaster>")
    sb("mkdef", "-t", "policy", "4.8", "name=root", "rule=allow")
    sb("mkdef", "-t", "route", "r1", "net=10.1.0.0", "mask=255.255.0.0")
    sb("mkdef", "-t", "zone", "z1", "sshbetweennodes=yes")
    return sb


def empty(sb: Sb) -> None:
    assert sb("rmdef", "-a", "-f").code == 0


def test_mkdef_takes_back_what_lsdef_wrote(full: Sb, where: Path) -> None:
    saved = full("lsdef", "-a", "-l", "-z").out
    with Site.open(where) as site:
        groups = site.store.objects("group")
    empty(full)
    taken = full("mkdef", "-z", stdin=saved)
    assert taken.code == 0
    assert taken.err == warning(
        "A definition for 'clustersite' already exists. No changes will be made.  "
        "Run again with '-f' option to force replace."
    ) + warning("Cannot determine a member list for group 'empty'.")
    assert full("lsdef", "-a", "-l", "-z").out == saved
    assert full("mkdef", "-f", "-z", stdin=saved).err.count("A network definition called 'net1' already exists") == 1
    assert full("chdef", "-z", stdin=saved).code == 0
    assert full("lsdef", "-a", "-l", "-z").out == saved
    with Site.open(where) as site:
        assert site.store.objects("group") == groups


def test_a_new_site_takes_it(full: Sb, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = full("lsdef", "-a", "-l", "-z").out
    (tmp_path / "saved").write_text(saved)
    with Site.open(tmp_path / "other"):
        pass
    with (tmp_path / "saved").open() as file, pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr("sys.stdin", file)
        main(["--site", str(tmp_path / "other"), "chdef", "-z"])
    assert ended.value.code == 0
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["--site", str(tmp_path / "other"), "lsdef", "-a", "-l", "-z"])
    assert capsys.readouterr().out == saved


def test_clone_with_sed(full: Sb) -> None:
    listed = full("lsdef", "-t", "node", "-z", "n1").out
    copied = full("mkdef", "-z", stdin=re.sub(r"^[^# ].*:$", "n9:", listed, flags=re.MULTILINE))
    assert (copied.code, copied.err) == (0, "")
    assert full("lsdef", "n9").out == full("lsdef", "n1").out.replace("n1", "n9")


def test_no_objtype(full: Sb) -> None:
    result = full("mkdef", "-z", stdin="x1:\n    groups=all\nx2:\n    objtype=node\n    groups=all\n")
    assert (result.code, result.out) == (1, "")
    hint = "  stdin:1: a line such as objtype=osimage is missing.\n"
    assert result.err == error("No objtype value was specified for 'x1'.") + hint
    unknown = full("mkdef", "-z", stdin="x1:\n    objtype=bogus\n    a=b\n")
    assert unknown.code == 1
    assert "Type 'bogus' is not a valid xCAT object type." in unknown.err
    assert unknown.err.startswith(error("").rstrip("\n"))

"""No verb, error, journal or display shows a secret, unless --reveal asks for it by name."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sbrun import Sb

from sbkernel.site import Site
from sbkernel.workbench.displays import html_of

SECRETS = ("hunter2-bmc", "hunter2-login", "hunter2-group", "hunter2-openbmc")


@pytest.fixture
def site(where: Path) -> Iterator[Site]:
    with Site.open(where) as site:
        site.set("node", "n1", groups="compute,all", mgt="ipmi", bmc="b1", bmcpassword="hunter2-bmc")
        site.set("node", "n2", groups="all", mgt="openbmc", bmc="b2", bmcpassword="hunter2-openbmc")
        site.set("node", "n3", groups="all", mgt="ipmi", bmc="b3", bmcpassword="keyring:bmc")
        site.set("group", "compute", grouptype="static", bmcpassword="hunter2-group", mgt="ipmi")
        site.set("passwd", "ipmi", username="admin", password="hunter2-login")
        yield site


LISTINGS = [
    "lsdef n1 n2",
    "lsdef all -l",
    "lsdef all -z",
    "lsdef all -i bmcpassword",
    "lsdef all -i bmcpassword -c",
    "lsdef -V n1",
    "lsdef -a -l",
    "lsdef -a -z",
    "lsdef -t group -l",
    "lsdef -t passwd -l",
    "lsdef -t passwd -z",
    "lsdef -w bmcpassword=~hunter2 -l",
    "tabdump passwd",
    "tabdump ipmi",
    "tabdump openbmc",
    "tabdump auditlog",
    "tabdump -w key==ipmi passwd",
    "gettab key=ipmi passwd.password",
    "gettab -H key=ipmi passwd.password",
    "nodels all ipmi.password",
    "nodels all ipmi",
    "nodels all openbmc",
    "nodels all ipmi.password==hunter2-bmc",
    "nodels -b n1 ipmi.password",
    "history",
    "history n1",
    "history --last 99",
    "export",
    "undo --dry-run",
]


@pytest.mark.parametrize("line", LISTINGS)
def test_listings_hide(sb: Sb, site: Site, line: str) -> None:
    done = sb(*line.split())
    said = done.out + done.err
    assert not [secret for secret in SECRETS if secret in said.replace(line.split()[-1], "")]
    assert "Traceback" not in said


REVEALED = [
    ("lsdef n1 --reveal", "    bmcpassword=hunter2-bmc"),
    ("lsdef all -z --reveal", "    bmcpassword=hunter2-openbmc"),
    ("lsdef all -i bmcpassword --reveal", "    bmcpassword=hunter2-bmc"),
    ("lsdef all -i bmcpassword -c --reveal", "n1: bmcpassword=hunter2-bmc"),
    ("lsdef -a -l -z --reveal", "    password=hunter2-login"),
    ("tabdump --reveal passwd", '"ipmi","admin","hunter2-login",,,,'),
    ("gettab --reveal key=ipmi passwd.password", "hunter2-login"),
    ("nodels n1 ipmi.password --reveal", "n1: hunter2-bmc"),
    ("export --reveal", "    password=hunter2-login"),
]


@pytest.mark.parametrize(("line", "wanted"), REVEALED)
def test_reveal_shows(sb: Sb, site: Site, line: str, wanted: str) -> None:
    done = sb(*line.split())
    assert (done.code, done.err) == (0, "")
    assert wanted in done.out.splitlines()


@pytest.mark.parametrize("line", ["lsdef n3", "nodels n3 ipmi.password", "tabdump ipmi", "export"])
def test_references_are_no_secrets(sb: Sb, site: Site, line: str) -> None:
    assert "keyring:bmc" in sb(*line.split()).out


CHANGES = [
    ("chdef n1 bmcpassword=hunter2-new --dry-run", ""),
    ("chdef n1 bmcpassword=hunter2-new", ""),
    ("chdef n1 bmcpasswd=hunter2-new", ""),
    ("mkdef n9 groups=all bmcpassword=hunter2-new", ""),
    ("mkdef n9 mgt=ipmi groups=all bmcpassword=hunter2-new --dry-run", ""),
    ("chdef -z", "n1:\n objtype=node\n bmcpassword=hunter2-new\x01\n"),
    ("mkdef -z -f", "n1:\n objtype=nod\n bmcpassword=hunter2-new\n"),
    ("chtab key=ipmi passwd.password=hunter2-new", ""),
    ("chtab key=ipmi passwd.passwod=hunter2-new", ""),
    ("tabch key=ipmi passwd.passwod=hunter2-new", ""),
    ("nodech n1 ipmi.password=hunter2-new", ""),
    ("nodech n1 ipmi.passwrd=hunter2-new", ""),
    ("nodeadd n9 groups=all ipmi.password=hunter2-new", ""),
    ("nodegrpch compute ipmi.password=hunter2-new", ""),
    ("chdef -p n1 bmcpassword=hunter2-new", ""),
    ("chdef -m n1 bmcpassword=hunter2-new", ""),
    ("import -", "n1:\n objtype=node\n bmcpassword=hunter2-new\n bmc=\n"),
    ("import - --dry-run", "n1:\n objtype=node\n bmcpassword=hunter2-new\n"),
]


@pytest.mark.parametrize(("line", "stdin"), CHANGES)
def test_changes_and_their_errors_hide(sb: Sb, site: Site, line: str, stdin: str) -> None:
    done = sb(*line.split(), stdin=stdin)
    assert "hunter2" not in done.out + done.err
    assert "hunter2" not in sb("history", "--last", "1").out
    assert "hunter2" not in sb("undo").out


@pytest.mark.parametrize(
    "row",
    [
        '"ipmi","admin","hunter2-new',
        '"ipmi","admin","hunter2-new"x',
        '"ipmi","a","hunter2-new",,,,,,,,"9"',
        '"ipmi",a"b,hunter2-new',
    ],
)
def test_a_broken_table_hides(sb: Sb, site: Site, tmp_path: Path, row: str) -> None:
    file = tmp_path / "passwd.csv"
    file.write_text(f"#key,username,password,cryptmethod,authdomain,comments,disable\n{row}\n")
    for verb in (("tabrestore", str(file)), ("import", str(file))):
        done = sb(*verb)
        assert "hunter2" not in done.out + done.err, verb


def test_python_and_pandas_hide(site: Site) -> None:
    node, entries = site.nodes["n1"], site.store.entries(site.store.changes()[-1].id)
    shown = [
        repr(node),
        repr(node.attributes),
        repr(site.nodes),
        repr(site.nodes.select("all")),
        repr(site.passwords),
        repr(entries),
        site.nodes.df.to_string(),
        site.passwords.df.to_string(),
        site.groups.df.to_html(),
        site.history().to_string(),
        repr(site.diff(node, site.nodes["n2"], "node")),
    ]
    rich = (site.nodes, site.nodes.select("n1"), site.passwords, site.diff(node, site.nodes["n2"], "node"))
    shown += [html_of(one) for one in rich]
    frame = site.nodes.df
    frame.loc["n1", "bmcpassword"] = "hunter2-new"
    change = site.nodes.changes(frame)
    shown += [repr(change), html_of(change), change.df.to_string()]
    assert "hunter2" not in "".join(shown)


def test_a_failing_line_of_python_does_not_show_them(site: Site) -> None:
    with pytest.raises(Exception, match="bmcpasswrd") as caught:
        site.set("node", "n1", bmcpasswrd="hunter2-new")
    assert "hunter2" not in str(caught.value)

"""--dry-run shows what would be, and changes nothing; secrets stay hidden and are kept."""

from pathlib import Path

from sbrun import Sb, made, warning

from sbkernel.site import Site

UNCHANGED = "Nothing is changed: --dry-run.\n"


def test_mkdef_chdef_rmdef(sb: Sb, where: Path) -> None:
    sb("mkdef", "n1", "groups=all", "mgt=ipmi", "bmcpassword=hush")
    with Site.open(where) as site:
        before = site.store.objects("node"), len(site.store.changes())
    assert sb("mkdef", "n2", "groups=all", "--dry-run").out == f"node n2 (new)\n  + groups=all\n{UNCHANGED}{made(1)}"
    assert sb("chdef", "n1", "mgt=openbmc", "--dry-run").out == (
        f"node n1\n  - mgt=ipmi\n  + mgt=openbmc\n{UNCHANGED}{made(1)}"
    )
    removed = sb("rmdef", "n1", "--dry-run").out
    assert removed.startswith("node n1 (removed)\n  - bmcpassword=***\n  - groups=all\n")
    assert removed.endswith(f"{UNCHANGED}1 object definitions have been removed.\n")
    assert sb("chdef", "-t", "group", "g", "members=n1", "--dry-run").out.startswith(
        "group g (new)\n  + grouptype=static\nnode n1\n  - groups=all\n  + groups=all,g\n"
    )
    assert sb("chdef", "n1", "-n", "n5", "--dry-run").out.startswith("node n1 (removed)\n")
    with Site.open(where) as site:
        assert (site.store.objects("node"), len(site.store.changes())) == before


def test_hidden_secrets_are_kept(sb: Sb, where: Path) -> None:
    sb("mkdef", "n1", "groups=all", "mgt=ipmi", "bmcpassword=hush")
    kept = warning("n1: bmcpassword keeps its stored value: listings do not show secrets.")
    listed = sb("lsdef", "n1", "-z").out
    assert "    bmcpassword=***\n" in listed
    assert sb("chdef", "-z", stdin=listed) == (0, made(1), kept)
    assert sb("mkdef", "-fz", stdin=listed) == (0, made(1), kept)
    assert sb("chdef", "n1", "bmcpassword=***").err == kept
    with Site.open(where) as site:
        assert site.store.get("node", "n1") == {"bmcpassword": "hush", "groups": "all", "mgt": "ipmi"}
    revealed = sb("lsdef", "n1", "-z", "--reveal").out
    assert "    bmcpassword=hush\n" in revealed

"""sb history and sb undo."""

import re
from pathlib import Path

from sbrun import Sb

from sbkernel.site import Site

STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


def shape(text: str) -> str:
    """Return a listing without what differs from run to run: time and user."""
    return re.sub(rf"^(\d+)  {STAMP}  \S+  ", r"\1 ", text, flags=re.MULTILINE)


def put(where: Path, what: str, objtype: str, name: str, **values: str) -> None:
    with Site.open(where) as site, site.store.write(what) as transaction:
        transaction.put(objtype, name, {**(transaction.get(objtype, name) or {}), **values})


def values(where: Path, objtype: str, name: str) -> dict[str, str] | None:
    with Site.open(where) as site:
        return site.store.get(objtype, name)


def test_history_of_all_and_of_one_object(sb: Sb, where: Path) -> None:
    put(where, "mkdef", "osimage", "a", imagetype="linux", profile="x")
    put(where, "chdef", "osimage", "a", profile="y")
    put(where, "mkdef", "network", "b", net="10.0.0.0", mask="255.0.0.0")
    listed = sb("history", "a")
    assert (listed.code, listed.err) == (0, "")
    assert shape(listed.out) == "2 mkdef  osimage a\n3 chdef  osimage a\n"
    assert shape(sb("history", "-n", "1").out) == "4 mkdef  network b\n"
    assert shape(sb("history", "-l", "a").out).endswith(
        "3 chdef  osimage a\n    osimage a\n      - profile=x\n      + profile=y\n"
    )


def test_history_of_an_unknown_object(sb: Sb) -> None:
    unknown = sb("history", "nothing")
    assert (unknown.code, unknown.out) == (1, "")
    assert "no change of 'nothing' is known" in unknown.err


def test_undo_and_undo_of_it(sb: Sb, where: Path) -> None:
    put(where, "mkdef", "osimage", "a", imagetype="linux", profile="x")
    put(where, "chdef", "osimage", "a", profile="y")
    shown = "osimage a\n  - profile=y\n  + profile=x\n"
    assert sb("undo", "--dry-run") == (0, f"{shown}change 3 (chdef) would be undone.\n", "")
    assert values(where, "osimage", "a") == {"imagetype": "linux", "profile": "y"}
    assert sb("undo") == (0, f"{shown}change 3 (chdef) was undone.\n", "")
    assert values(where, "osimage", "a") == {"imagetype": "linux", "profile": "x"}
    assert sb("undo").out.endswith("change 4 (undo 3) was undone.\n")
    assert values(where, "osimage", "a") == {"imagetype": "linux", "profile": "y"}


def test_undo_refuses_what_changed_since_unless_forced(sb: Sb, where: Path) -> None:
    put(where, "mkdef", "osimage", "a", imagetype="linux", profile="x")
    put(where, "chdef", "osimage", "a", profile="y")
    put(where, "chdef", "osimage", "a", osarch="x86_64")
    refused = sb("undo", "3")
    assert (refused.code, refused.out) == (1, "")
    assert "change 3 cannot be undone: osimage a changed since" in refused.err
    assert "--force" in refused.err
    assert sb("undo", "3", "--force").code == 0
    assert values(where, "osimage", "a") == {"imagetype": "linux", "osarch": "x86_64", "profile": "x"}


def test_fresh_site_has_nothing_to_undo(sb: Sb) -> None:
    fresh = sb("undo", "--force")
    assert fresh.code == 1
    assert "change 1 made the site" in fresh.err
    assert "no change 99" in sb("undo", "99").err


def test_secrets_are_not_shown(sb: Sb, where: Path) -> None:
    put(where, "mkdef", "passwd", "ipmi", username="root", password="geheim")
    for words in (("history", "-l"), ("undo", "--dry-run"), ("undo",)):
        shown = sb(*words)
        assert shown.code == 0
        assert "password=***" in shown.out
        assert "geheim" not in shown.out + shown.err

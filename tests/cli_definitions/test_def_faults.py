"""A verb over many objects that dies on the way leaves all as it was."""

from pathlib import Path

import pytest
from sbrun import Sb

from sbkernel.definitions import objects
from sbkernel.definitions.objectverbs import alter, make
from sbkernel.site import Site


def dies_at(name: str, original):
    def dying(transaction, drafted):
        if drafted.name == name:
            raise RuntimeError("pulled the plug")
        original(transaction, drafted)

    return dying


@pytest.mark.parametrize("module", [make, alter])
def test_nothing_is_half_done(sb: Sb, where: Path, monkeypatch: pytest.MonkeyPatch, module) -> None:
    sb("mkdef", "n1-n9", "groups=all")
    with Site.open(where) as site:
        before = site.store.objects("node"), len(site.store.changes())
    monkeypatch.setattr(module.objects, "write", dies_at("n5", objects.write))
    words = ["mkdef", "-f"] if module is make else ["chdef"]
    with pytest.raises(RuntimeError, match="plug"):
        sb(*words, "n1-n9", "groups=other", "mgt=ipmi")
    with Site.open(where) as site:
        assert (site.store.objects("node"), len(site.store.changes())) == before
        assert site.store.members("other") == []


def test_group_and_its_members_are_one_change(sb: Sb, where: Path) -> None:
    sb("mkdef", "n1-n3", "groups=all")
    sb("mkdef", "-t", "group", "g", "members=n1-n3")
    with Site.open(where) as site:
        latest = site.store.changes()[-1]
        entries = {(one.objtype, one.name) for one in site.store.entries(latest.id)}
    assert (latest.what, latest.objects) == ("mkdef", 4)
    assert entries == {("group", "g"), ("node", "n1"), ("node", "n2"), ("node", "n3")}


@pytest.mark.parametrize("options", ["rw", "RW", "noac,rw", "defaults", "noac, actimeo=0", "noac,,actimeo=0", ","])
def test_a_statelite_root_is_not_writable(sb: Sb, options: str) -> None:
    image = ("-t", "osimage", "lite", "imagetype=linux", "provmethod=statelite")
    refused = sb("mkdef", *image, f"nfsrootopts={options}")
    assert (refused.out, refused.code) == ("", 1)
    assert f"lite: '{options}' is not a legal value of 'nfsrootopts'." in refused.err
    assert sb("mkdef", *image, "nfsrootopts=noac").code == 0
    assert sb("chdef", "-t", "osimage", "lite", f"nfsrootopts={options}").code == 1
    assert sb("lsdef", "-t", "osimage", "lite", "-ci", "nfsrootopts").out == "lite: nfsrootopts=noac\n"


@pytest.mark.parametrize("options", ["noac,actimeo=0", "ro", "nfsvers=4.1", "clientaddr=2001:db8::1", "rwsize=1"])
def test_other_options_of_a_statelite_root_are_taken(sb: Sb, options: str) -> None:
    words = ("-t", "osimage", "lite", "imagetype=linux", "provmethod=statelite", f"nfsrootopts={options}")
    assert sb("mkdef", *words).code == 0

"""What mkdef, chdef and rmdef say of objects: to which stream, and with which exit code."""

from pathlib import Path

import pytest
from sbrun import COMPUTE, SCRIPTS, Sb, error, made, warning

from sbkernel.site import Site

FAILED = "One or more errors occured when attempting to create or modify xCAT object definitions."
NOTHING = "No object definitions have been created or modified"
SKIPPING = "Skipping to the next attribute."


def exists(name: str) -> str:
    return warning(
        f"A definition for '{name}' already exists. No changes will be made.  "
        "Run again with '-f' option to force replace."
    )


def test_mkdef_without_attributes(sb: Sb) -> None:
    assert sb("mkdef", "n1") == (1, "", error(f"{NOTHING}: no attributes were specified."))
    assert sb("mkdef", "-t", "node", "n1").err == error(
        f"{NOTHING}: no attributes were specified. The 'groups' attribute is required when creating node definitions."
    )
    assert sb("chdef", "n1") == (0, f"{NOTHING}.\n", "")


def test_mkdef_with_a_wrong_attribute(sb: Sb) -> None:
    result = sb("mkdef", "n1", "groups=all", "qqqq=1")
    assert result == (1, "", error("'qqqq' is not a valid attribute name for an object type of 'node'.", SKIPPING))
    assert sb("lsdef").out == "Could not find any object definitions to display.\n"


def test_chdef_with_a_wrong_attribute(sb: Sb) -> None:
    result = sb("chdef", "n1", "groups=all", "qqqq=1")
    unknown = "'qqqq' is not a valid attribute name for an object type of 'node'."
    assert result == (1, "", error(unknown, SKIPPING, FAILED))
    assert sb("lsdef").out == "n1  (node)\n"


def test_existing_objects(sb: Sb) -> None:
    sb("mkdef", "n1", "groups=all")
    assert sb("mkdef", "n1", "groups=x") == (
        1, "", exists("n1") + error("0 object definitions have been created or modified."),
    )  # fmt: skip
    assert sb("mkdef", "n1-n2", "groups=x") == (0, made(1), exists("n1"))
    assert sb("mkdef", "-f", "n1", "groups=y", "mgt=ipmi") == (0, made(1), "")
    assert sb("mkdef", "-f", "n1", "groups=z").out == made(1)
    assert sb("lsdef", "n1").out == f"Object name: n1\n    groups=z\n{SCRIPTS}"


def test_nodes_need_groups(sb: Sb, where: Path) -> None:
    none = "Attribute 'groups' is not specified for node 'n1', skipping to the next node."
    assert sb("mkdef", "n1", "mgt=ipmi") == (1, "", error(none, FAILED))
    assert sb("chdef", "n1", "mgt=ipmi") == (1, "", error(none, FAILED))
    with Site.open(where) as site:
        assert site.store.get("node", "n1") is None
        assert site.store.get("group", "n1") is None


def test_names(sb: Sb) -> None:
    dot = "The object name 'a.b' is invalid, Cannot use '.' in node name."
    assert sb("mkdef", "a.b", "groups=all") == (1, "", error(dot))
    assert sb("chdef", "a.b", "groups=all") == (1, f"{NOTHING}.\n", error(dot))
    assert sb("mkdef", "a.b,c.d", "groups=all").err == error(dot.replace("a.b", "a.b,c.d"))
    bad = sb("mkdef", "-t", "group", "g[1-2]", "members=n1")
    assert bad.err.startswith(
        error(
            "The object name 'g[1-2]' is invalid, please refer to \"man xcatdb\" "
            'for the valid "xCAT Object Name Format"'
        ).rstrip("\n")
    )
    capitals = "contains capital letters which may not be resolved correctly by the dns server."
    assert sb("mkdef", "N1,n2,N3", "groups=all") == (0, made(3), warning(f"The node name 'N1,N3' {capitals}"))
    assert sb("chdef", "N4", "groups=all") == (
        0, f"{made(1)}New object definitions 'N4' have been created.\n", warning(f"The node name 'N4' {capitals}"),
    )  # fmt: skip
    assert sb("chdef", "N4", "mgt=ipmi") == (0, made(1), "")
    assert sb("mkdef", "-t", "osimage", "Upper", "profile=x").err == ""
    assert sb("mkdef", "10.0.0.1", "groups=all").out == made(1)


def test_words(sb: Sb) -> None:
    assert sb("mkdef", "n1", " groups = all", "usercomment=a = b").out == made(1)
    assert sb("lsdef", "n1").out == f"Object name: n1\n    groups=all\n{SCRIPTS}    usercomment=a = b\n"
    assert sb("mkdef", "5-7", "groups=all").out == made(3)
    assert sb("lsdef", "node5-node7", "-s").out.count("node") == 6
    assert sb("lsdef", "/n[", "-s").code == 1
    assert sb("mkdef", "all", "groups=x").err.count("already exists") == 4
    assert sb("mkdef", "-o", "all", "groups=x").out == made(1)


def test_only_if(sb: Sb) -> None:
    needs = "Cannot set the attr='pkglist' attribute unless imagetype value is linux."
    assert sb("mkdef", "-t", "osimage", "x", "pkglist=/a") == (1, "", error(needs, FAILED))
    sb("mkdef", "n1", "groups=all")
    result = sb("chdef", "n1", "bmc=b", "serialport=0")
    assert (result.code, result.out) == (1, "")
    assert "Cannot set the attr='bmc' attribute unless mgt value is ipmi or openbmc or redfish or auto." in result.err
    assert result.err.endswith(error(FAILED))
    assert "serialport" not in sb("lsdef", "n1").out


def test_chdef_creates_and_changes(sb: Sb) -> None:
    assert sb("chdef", "n1,n2", "groups=all") == (
        0, f"{made(2)}New object definitions 'n1,n2' have been created.\n", "",
    )  # fmt: skip
    assert sb("chdef", "n1", "groups=all") == (0, made(1), "")
    assert sb("chdef", "n1", "mgt=ipmi", "-V").out == "The database was updated for the following objects:\nn1\n"
    assert sb("mkdef", "n3,n4", "groups=all", "-V").out == (
        f"The database was updated for the following objects:\nn3\nn4\n{made(2)}"
    )


def test_plus_and_minus(sb: Sb) -> None:
    sb("mkdef", "n1", "groups=all", "mgt=ipmi")
    assert sb("chdef", "n1", "-p", "groups=a,all,b", "mgt=hmc").code == 1
    assert sb("chdef", "-p", "n1", "groups=a,all,b") == (0, made(1), "")
    assert sb("lsdef", "n1", "-ci", "groups").out == "n1: groups=all,a,b\n"
    assert sb("chdef", "-m", "n1", "groups=a,zz") == (
        1, f"{NOTHING}.\n", error("zz is not in the attribute of 'groups' for the 'n1' definition."),
    )  # fmt: skip
    assert sb("chdef", "-m", "n1", "groups=a") == (0, made(1), "")
    assert sb("chdef", "-m", "n1", "ip=1") == (
        1, f"{NOTHING}.\n", error("No value got for attribute 'ip' for the 'n1' definition."),
    )  # fmt: skip
    assert sb("chdef", "-m", "n9", "groups=a").err.startswith(error("Attribute 'groups' is not").split("Attribute")[0])
    assert sb("chdef", "-t", "osimage", "-m", "nope", "profile=a") == (
        1, "", error("The '-m' option is not valid since the 'nope' definition does not exist.", FAILED),
    )  # fmt: skip


def test_rename(sb: Sb, where: Path) -> None:
    sb("mkdef", "n1,n2", "groups=all,gpu", "mgt=ipmi")
    assert sb("chdef", "n1", "-n", "n2") == (1, "", error("Object n2 already exists."))
    assert sb("chdef", "n9", "-n", "n8") == (1, "", error("The n9 is not a valid object."))
    assert sb("chdef", "n1", "-n", "n3") == (0, "Changed the object name from n1 to n3.\n", "")
    assert sb("lsdef").out == "n2  (node)\nn3  (node)\n"
    assert "mgt=ipmi" in sb("lsdef", "n3").out
    assert sb("chdef", "-t", "osimage", "-o", COMPUTE, "-n", "mine").out.startswith("Changed the object name")
    assert sb("chdef", "-t", "group", "gpu", "-n", "accelerated").code == 0
    assert sb("lsdef", "n2,n3", "-ci", "groups").out == "n2: groups=all,accelerated\nn3: groups=all,accelerated\n"
    assert sb("chdef", "-t", "site", "-n", "x").code == 1
    several = sb("chdef", "n2-n3", "-n", "x")
    assert several.err == error("The '-n' option (changing object name) can only work on one object.")


def test_networks(sb: Sb) -> None:
    words = ("net=10.0.0.0", "mask=255.255.255.0")
    empty = "Net or mask value should not be empty for xCAT network object 'a'."
    assert sb("mkdef", "-t", "network", "a", words[0]) == (1, "", error(empty, FAILED))
    assert sb("chdef", "-t", "network", "a", words[0]).err == error(empty, FAILED)
    assert sb("mkdef", "-t", "network", "-o", "a", *words) == (0, made(1), "")
    taken = "A network definition called 'a' already exists. Cannot create a definition for 'a'."
    for force in ([], ["-f"]):
        assert sb("mkdef", *force, "-t", "network", "a", "net=1.0.0.0", "mask=255.0.0.0").err == error(taken, FAILED)
    same = (
        "A network definition called 'a' already exists that contains the same net and mask values. "
        "Cannot create a definition for 'b'."
    )
    assert sb("mkdef", "-t", "network", "b", *words) == (1, "", error(same, FAILED))
    assert sb("chdef", "-t", "network", "b", *words).err == error(same, FAILED)
    sb("mkdef", "-t", "network", "b", "net=10.1.0.0", "mask=/24")
    assert sb("chdef", "-t", "network", "b", *words).err == error(same, FAILED)
    assert sb("chdef", "-t", "network", "a", "gateway=<xcatmaster>").out == made(1)


def test_site(sb: Sb) -> None:
    assert sb("chdef", "-t", "site", "mykey=a", "other=b") == (0, made(1), "")
    assert sb("chdef", "-t", "site", "-p", "mykey=c").out == made(1)
    assert sb("chdef", "-t", "site", "clustersite", "-m", "mykey=a").out == made(1)
    assert sb("lsdef", "-t", "site", "-i", "mykey,other").out == "Object name: clustersite\n    mykey=c\n    other=b\n"
    assert sb("chdef", "-t", "site", "-p", "mykey=d,c").out == made(1)
    assert sb("gettab", "key=mykey", "site.value").out == "c,d,c\n"
    assert sb("chdef", "-t", "site", "mykey=") == (0, made(1), "")
    assert sb("chdef", "-t", "site", "gone=") == (0, made(1), "")
    assert "mykey" not in sb("lsdef", "-t", "site", "-l").out
    assert sb("mkdef", "-t", "site", "k=v").err == exists("clustersite") + error(
        "0 object definitions have been created or modified."
    )
    assert sb("mkdef", "-f", "-t", "site", "k=v").out == made(1)
    assert "    k=v\n    other=b\n" in sb("lsdef", "-t", "site", "-i", "k,other").out
    assert sb("chdef", "-t", "site", "foo", "k=w").code == 1
    assert sb("rmdef", "-t", "site", "-o", "clustersite").code == 1
    assert "k=v" in sb("lsdef", "-t", "site", "-l").out


def test_scripts_that_every_node_runs(sb: Sb) -> None:
    said = warning("n1: postscripts 'syslog' is already included in the 'xcatdefaults'.") + warning(
        "n1: postbootscripts 'otherpkgs' is already included in the 'xcatdefaults'."
    )
    words = ("postscripts=syslog,own", "postbootscripts=otherpkgs")
    assert sb("mkdef", "n1", "groups=all", *words) == (0, made(1), said)
    assert sb("lsdef", "n1", "-z").out.splitlines()[-2:] == ["    groups=all", "    postscripts=own"]
    assert sb("chdef", "n1", *words) == (0, made(1), said)


def test_rmdef(sb: Sb) -> None:
    sb("mkdef", "n1-n4", "groups=all,gpu")
    absent = error("Could not find an object named 'n9' of type 'node'.")
    assert sb("rmdef", "n9") == (1, "No objects have been removed from the xCAT database.\n", absent)
    assert sb("rmdef", "n1,n9") == (1, "1 object definitions have been removed.\n", absent)
    assert sb("rmdef", "n2", "-V") == (0, "The following objects were removed:\nn2\n", "")
    assert sb("rmdef", "-C", "n3").out == "1 object definitions have been removed.\n"
    assert sb("rmdef", "all") == (0, "1 object definitions have been removed.\n", "")
    assert sb("rmdef", "-af").code == 0
    assert sb("lsdef", "-a").out == "clustersite (site)\n"


def test_stanzas_with_what_is_wrong(sb: Sb) -> None:
    text = "n1:\n    objtype=node\n    groups=all\n    qqqq=1\nn2:\n    objtype=node\n    groups=all\n"
    unknown = "'qqqq' is not a valid attribute name for an object type of 'node'."
    assert sb("mkdef", "-z", stdin=text) == (1, "", error(unknown, SKIPPING))
    assert sb("chdef", "-z", stdin=text) == (1, "", error(unknown, SKIPPING, FAILED))
    assert sb("lsdef").out == "n1  (node)\nn2  (node)\n"
    partial = text.replace("    qqqq=1\n", "").replace("n2:", "n3:")
    assert sb("mkdef", "-z", stdin=partial) == (0, made(1), exists("n1"))


def test_defaults_of_an_osimage(sb: Sb, where: Path) -> None:
    named = ("profile=compute", "provmethod=netboot", "osvers=debian12", "osarch=x86_64")
    assert sb("mkdef", "-u", "mine", *named).out == made(1)
    shown = sb("lsdef", "-t", "osimage", "mine").out
    assert f"    pkglist={where}/share/netboot/debian/compute.debian12.x86_64.pkglist\n" in shown
    assert f"    rootimgdir={where}/install/netboot/debian12/x86_64/compute\n" in shown
    assert f"    otherpkgdir={where}/install/post/otherpkgs/debian12/x86_64\n" in shown
    assert "    osdistroname=debian12-x86_64\n    osname=Linux\n" in shown
    assert sb("mkdef", "-u", "-t", "osimage", "o2", "profile=x").err == error(
        "The profile and provmethod are all need to be specified.", FAILED
    )
    assert sb("mkdef", "-u", "o2", "profile=x", "provmethod=foo").err.startswith(
        error("The provmethod: foo is incorrect.").rstrip("\n")
    )
    sb("chdef", "-t", "osimage", "mine", "exlist=")
    assert sb("chdef", "-u", "mine", "profile=service").out == made(1)
    assert f"    exlist={where}/share/netboot/debian/service.debian12.x86_64.exlist\n" in sb(
        "lsdef", "-t", "osimage", "mine"
    ).out  # fmt: skip


@pytest.mark.parametrize("verb", ["mkdef", "chdef"])
def test_two_things_wrong_are_both_said(sb: Sb, verb: str) -> None:
    result = sb(verb, "n1", "groups=all", "mgt=nonsense", "serialport=x")
    assert result.code == 1
    assert "'nonsense' is not a legal value of 'mgt'" in result.err
    assert "'x' is not a legal value of 'serialport'" in result.err

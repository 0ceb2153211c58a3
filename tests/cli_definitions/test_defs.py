"""The *def verbs: xCAT's outputs, messages and exit codes."""

import sys
from pathlib import Path

import pytest
from sbrun import COMPUTE, MN, SCRIPTS, SERVICE, Sb, error, made

from sbkernel.site import Site


def test_short_listings_have_two_blanks_and_all_has_one(sb: Sb) -> None:
    assert sb("lsdef", "-t", "osimage") == (0, f"{COMPUTE}  (osimage)\n{SERVICE}  (osimage)\n", "")
    assert sb("lsdef", "-a").out == f"{COMPUTE} (osimage)\n{SERVICE} (osimage)\nclustersite (site)\n"
    assert sb("lsdef") == (0, "Could not find any object definitions to display.\n", "")


def test_long_listing(sb: Sb, where: Path) -> None:
    lists = f"{where}/share/netboot/debian/compute.debian12.x86_64"
    assert sb("lsdef", "-t", "osimage", COMPUTE).out == (
        f"Object name: {COMPUTE}\n"
        f"    exlist={lists}.exlist\n"
        "    imagetype=linux\n"
        "    osarch=x86_64\n"
        "    osname=Linux\n"
        "    osvers=debian12\n"
        "    permission=755\n"
        f"    pkglist={lists}.pkglist\n"
        "    profile=compute\n"
        "    provmethod=netboot\n"
        f"    rootimgdir={where}/install/netboot/debian12/x86_64/compute\n"
    )
    assert sb("lsdef", "-t", "osimage", "-o", COMPUTE, "-s").out == f"{COMPUTE}  (osimage)\n"


def test_chosen_attributes_print_even_when_empty(sb: Sb) -> None:
    assert sb("lsdef", "-t", "osimage", COMPUTE, "-i", "profile,otherpkglist").out == (
        f"Object name: {COMPUTE}\n    otherpkglist=\n    profile=compute\n"
    )
    assert sb("lsdef", "-t", "osimage", "-i", "profile,kernelver", "-c").out == (
        f"{COMPUTE}: kernelver=\n{COMPUTE}: profile=compute\n{SERVICE}: kernelver=\n{SERVICE}: profile=service\n"
    )
    wrong = sb("lsdef", "-t", "osimage", "-i", "profle")
    assert (wrong.code, wrong.out) == (1, f"Object name: {COMPUTE}\nObject name: {SERVICE}\n")
    assert "'profle' is not a valid attribute name for an object type of 'osimage'." in wrong.err


def test_types_are_named_when_there_are_several(sb: Sb) -> None:
    sb("mkdef", "n1", "groups=all")
    assert "Object name: n1  (node)\n" in sb("lsdef", "-t", "node,osimage", "-l").out
    assert "Object name: clustersite  (site)\n" in sb("lsdef", "-a", "-l").out


def test_unknown_names(sb: Sb) -> None:
    result = sb("lsdef", "-t", "osimage", f"x,{SERVICE}")
    assert result.code == 1
    assert result.err == f"Error: [{MN}]: Could not find an object named 'x' of type 'osimage'.\n"
    assert result.out.startswith(f"Object name: {SERVICE}\n")
    assert sb("lsdef", "n9") == (
        1,
        "No object definitions have been found\n",
        f"Error: [{MN}]: Could not find an object named 'n9' of type 'node'.\n",
    )
    assert "Type 'bogus' is not a valid xCAT object type." in sb("lsdef", "-t", "bogus").err


def test_selection(sb: Sb) -> None:
    sb("mkdef", "n1", "groups=all", "mgt=ipmi")
    sb("mkdef", "n2", "groups=all")
    assert sb("lsdef", "-w", "mgt==ipmi").out == "n1  (node)\n"
    assert sb("lsdef", "-w", "mgt!=ipmi") == (0, "No object definitions have been found\n", "")
    assert sb("lsdef", "-w", "groups=~al", "-w", "mgt=~^ip").out == "n1  (node)\n"
    assert "Incorrect selection string specified with -w flag." in sb("lsdef", "-w", "mgt").err


def test_hidden_nodes_need_S(sb: Sb) -> None:  # noqa: N802
    sb("mkdef", "n1", "groups=all", "hidden=1")
    assert "n1" not in sb("lsdef").out
    assert sb("lsdef", "-S").out == "n1  (node)\n"


def test_illegal_pairs_are_refused(sb: Sb) -> None:
    for words in (["-a", "-t", "node"], ["-l", "-s"], ["-i", "mgt", "-s"], ["-c"], ["-a", "n1"]):
        assert sb("lsdef", *words).code == 1
    assert "noderange can not contain spaces." in sb("lsdef", "n1", "n2").err


def test_classic_clone_idiom(sb: Sb) -> None:
    listed = sb("lsdef", "-t", "osimage", "-z", COMPUTE).out
    lines = listed.splitlines()
    assert lines[:3] == ["# <xCAT data object stanza file>", "", f"{COMPUTE}:"]
    assert lines[3] == "    objtype=osimage"
    copied = sb("mkdef", "-z", stdin=listed.replace(f"{COMPUTE}:", "mycomputeimage:"))
    assert (copied.code, copied.out) == (0, made(1))
    assert sb("lsdef", "-t", "osimage", "mycomputeimage").out.replace("mycomputeimage", COMPUTE) == (
        sb("lsdef", "-t", "osimage", COMPUTE).out
    )


def test_images_that_would_be_built_one_over_the_other_are_warned_of(sb: Sb, where: Path) -> None:
    listed = sb("lsdef", "-t", "osimage", "-z", COMPUTE).out
    copied = sb("mkdef", "-z", stdin=listed.replace(f"{COMPUTE}:", "mycomputeimage:"))
    assert f"images 'mycomputeimage' and '{COMPUTE}' share the rootimgdir" in copied.err
    tree = "install/netboot/debian12/x86_64/compute/rootimg/x"
    moved = sb("chdef", "-t", "osimage", "mycomputeimage", f"rootimgdir={where / tree}")
    assert (moved.code, moved.out) == (0, made(1))
    assert "of image 'mycomputeimage' lies inside" in moved.err and f"image '{COMPUTE}'" in moved.err
    assert sb("chdef", "-t", "osimage", "mycomputeimage", f"rootimgdir={where}/own", "profile=own").err == ""
    assert (
        "share the rootimgdir" in sb("chdef", "-t", "osimage", "mycomputeimage", "rootimgdir=", "profile=compute").err
    )


def test_mkdef_from_a_template(sb: Sb) -> None:
    assert sb("mkdef", "-t", "osimage", "-o", "x", "--template", COMPUTE, "profile=x", "rootimgdir=/install/x") == (
        0, made(1), "",
    )  # fmt: skip
    assert "    rootimgdir=/install/x\n" in sb("lsdef", "-t", "osimage", "x").out
    none = sb("mkdef", "-t", "osimage", "-o", "y", "--template", "none")
    assert "Could not find the template object named 'none' of type 'osimage'." in none.err


def test_mkdef_on_existing(sb: Sb) -> None:
    sb("mkdef", "n1", "groups=all", "mgt=ipmi")
    again = sb("mkdef", "n1", "groups=x")
    assert again == (
        1,
        "",
        f"Warning: [{MN}]: A definition for 'n1' already exists. No changes will be made.  "
        f"Run again with '-f' option to force replace.\n"
        f"Error: [{MN}]: 0 object definitions have been created or modified.\n",
    )
    assert sb("mkdef", "n1-n2", "groups=x").code == 0
    assert sb("mkdef", "-f", "n1", "groups=y").out == made(1)
    assert sb("lsdef", "n1").out == f"Object name: n1\n    groups=y\n{SCRIPTS}"


def test_mkdef_makes_a_range(sb: Sb) -> None:
    assert sb("mkdef", "n[01-12]", "groups=all").out == made(12)
    assert sb("lsdef", "all", "-s").out.count("(node)") == 12
    assert sb("lsdef", "n03-n04").out == (
        f"Object name: n03\n    groups=all\n{SCRIPTS}Object name: n04\n    groups=all\n{SCRIPTS}"
    )


def test_mkdef_with_a_wrong_attribute_makes_nothing(sb: Sb) -> None:
    result = sb("mkdef", "n1", "groups=all", "mgtt=ipmi")
    assert (result.code, result.out) == (1, "")
    assert result.err.splitlines()[0] == (
        f"Error: [{MN}]: 'mgtt' is not a valid attribute name for an object type of 'node'."
    )
    assert "mgt" in result.err.splitlines()[1]
    assert f"Error: [{MN}]: Skipping to the next attribute.\n" in result.err
    assert "n1" not in sb("lsdef").out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["n1"], "no attributes were specified."),
        (["-t", "node", "n1"], "The 'groups' attribute is required when creating node definitions."),
        (["n1", "mgt=ipmi"], "Attribute 'groups' is not specified for node 'n1', skipping to the next node."),
        (["a.b", "groups=all"], "Cannot use '.' in node name."),
        (["groups=all"], "No object names were provided."),
        (["n1", "=x"], "Incorrect 'attr=val' pair - =x"),
        (
            ["-t", "osimage", "x", "pkglist=/a"],
            "Cannot set the attr='pkglist' attribute unless imagetype value is linux.",
        ),
        (["-t", "network", "a", "net=10.0.0.0"], "Net or mask value should not be empty for xCAT network object 'a'."),
        (["-t", "node", "-z"], "Cannot combine '-t' and '-a', '-z', or '-x' options."),
    ],
)
def test_mkdef_refusals(sb: Sb, words: list[str], says: str) -> None:
    result = sb("mkdef", *words)
    assert result.code
    assert says in result.err


def test_networks_with_the_same_net_and_mask_are_refused(sb: Sb) -> None:
    words = ("net=10.0.0.0", "mask=255.255.255.0")
    assert sb("mkdef", "-t", "network", "a", *words).out == made(1)
    assert "A network definition called 'a' already exists that contains the same" in sb(
        "mkdef", "-t", "network", "b", *words
    ).err  # fmt: skip


def test_chdef_creates_changes_and_clears(sb: Sb) -> None:
    created = sb("chdef", "n1", "groups=all", "mgt=ipmi")
    assert created == (0, f"{made(1)}New object definitions 'n1' have been created.\n", "")
    assert sb("chdef", "n1", "mgt=", "serialport=0") == (0, made(1), "")
    assert sb("lsdef", "n1").out == f"Object name: n1\n    groups=all\n{SCRIPTS}    serialport=0\n"


def test_chdef_plus_and_minus(sb: Sb) -> None:
    sb("mkdef", "n1", "groups=all")
    assert sb("chdef", "n1", "-p", "groups=gpu,all,x").out == made(1)
    assert "groups=all,gpu,x\n" in sb("lsdef", "n1").out
    assert sb("chdef", "n1", "-m", "groups=gpu").out == made(1)
    absent = sb("chdef", "n1", "-m", "groups=gpu")
    assert (absent.code, absent.out) == (1, "No object definitions have been created or modified.\n")
    assert "gpu is not in the attribute of 'groups' for the 'n1' definition." in absent.err
    assert "No value got for attribute 'mgt' for the 'n1' definition." in sb("chdef", "n1", "-m", "mgt=x").err
    unknown = sb("chdef", "n9", "-m", "groups=x")
    assert "The '-m' option is not valid since the 'n9' definition does not exist." in unknown.err


def test_chdef_applies_what_is_right(sb: Sb) -> None:
    sb("mkdef", "n1", "groups=all")
    result = sb("chdef", "n1", "mgt=ipmi", "nonsense=1", "serialport=x")
    assert (result.code, result.out) == (1, "")
    assert result.err.endswith(
        f"Error: [{MN}]: One or more errors occured when attempting to create or modify xCAT object definitions.\n"
    )
    assert sb("lsdef", "n1").out == f"Object name: n1\n    groups=all\n    mgt=ipmi\n{SCRIPTS}"


def test_chdef_needs_groups_for_a_new_node(sb: Sb) -> None:
    assert "Attribute 'groups' is not specified for node 'n1'" in sb("chdef", "n1", "mgt=ipmi").err
    assert "n1" not in sb("lsdef").out


def test_chdef_of_the_site(sb: Sb) -> None:
    assert sb("chdef", "-t", "site", "domain=lab.example", "mykey=1") == (0, made(1), "")
    assert sb("lsdef", "-t", "site", "-i", "domain,master").out == (
        "Object name: clustersite\n    domain=lab.example\n"
    )
    assert sb("lsdef", "-t", "site").out == "clustersite  (site)\n"


def test_groups(sb: Sb) -> None:
    sb("mkdef", "n1-n3", "groups=all")
    assert sb("mkdef", "-t", "group", "gpu", "members=n1,n2", "mgt=ipmi").out == made(1)
    assert sb("lsdef", "-t", "group", "gpu").out == (
        "Object name: gpu\n    grouptype=static\n    members=n1,n2\n    mgt=ipmi\n"
    )
    assert sb("lsdef", "n1", "-i", "groups,mgt").out == "Object name: n1\n    groups=all,gpu\n    mgt=ipmi\n"
    assert sb("chdef", "-t", "group", "gpu", "-p", "members=n3").out == made(1)
    assert sb("lsdef", "gpu", "-s").out == "n1  (node)\nn2  (node)\nn3  (node)\n"


def test_rmdef(sb: Sb) -> None:
    sb("mkdef", "n1-n3", "groups=all")
    assert sb("rmdef", "n1,n2") == (0, "2 object definitions have been removed.\n", "")
    gone = sb("rmdef", "n1")
    assert (gone.code, gone.out) == (1, "No objects have been removed from the xCAT database.\n")
    assert "Could not find an object named 'n1' of type 'node'." in gone.err
    assert sb("rmdef", "-t", "node").err == error("No object names were provided.")
    assert sb("rmdef", "-a").code == 1
    assert sb("rmdef", "-t", "site", "clustersite").code == 1
    assert sb("rmdef", "-a", "-f").code == 0
    assert sb("lsdef", "-a").out == "clustersite (site)\n"


def test_whole_site_goes_through_a_stanza_file(sb: Sb, tmp_path: Path) -> None:
    sb("mkdef", "n1-n2", "groups=all,gpu", "mgt=ipmi", 'usercomment="quoted" and: more:')
    sb("mkdef", "-t", "group", "gpu", "serialport=0")
    sb("mkdef", "-t", "network", "net1", "net=10.0.0.0", "mask=255.255.255.0")
    saved = sb("lsdef", "-a", "-l", "-z").out
    sb("rmdef", "-a", "-f")
    assert sb("chdef", "-z", stdin=saved).code == 0
    assert sb("lsdef", "-a", "-l", "-z").out == saved


def test_stanza_errors_name_their_line(sb: Sb) -> None:
    result = sb("mkdef", "-z", stdin="n1:\n    objtype=node\n    groups=all\nnonsense\n")
    assert (result.code, result.out) == (0, made(1))
    assert "stdin:4: " in result.err
    assert "nonsense" in result.err
    assert "No objtype value was specified for 'n1'." in sb("mkdef", "-z", stdin="n1:\n groups=all\n").err


def test_stdin_is_left_alone_without_z(sb: Sb) -> None:
    assert sb("lsdef", "-t", "osimage", stdin="n1\n").code == 0
    assert sys.stdin.read() == "n1\n"


def test_secrets_are_neither_shown_nor_copied(sb: Sb, where: Path) -> None:
    sb("mkdef", "n1", "groups=all", "mgt=ipmi", "bmcpassword=hush", "bmcusername=admin")
    for words in (["n1"], ["n1", "-z"], ["-i", "bmcpassword", "-c"]):
        assert "hush" not in sb("lsdef", *words).out
    copied = sb("mkdef", "-z", stdin=sb("lsdef", "-z", "n1").out.replace("n1:", "n2:"))
    assert copied.out == made(1)
    assert "n2: bmcpassword is not copied" in copied.err
    with Site.open(where) as site:
        assert site.nodes["n2"].get("bmcpassword") == ""
        assert site.nodes["n1"].get("bmcpassword") == "hush"


def test_help_of_attributes(sb: Sb) -> None:
    result = sb("lsdef", "-t", "osimage", "-h")
    assert result.code == 0
    assert result.out.startswith("The valid attribute names for object type 'osimage' are:\nAttribute          Desc")
    assert "Values: netboot statelite" in result.out
    only = sb("lsdef", "-t", "node", "-i", "bmc", "-h").out
    assert "bmc:" in only
    assert "mac:" not in only
    for verb in ("lsdef", "mkdef", "chdef", "rmdef"):
        assert sb(verb, "-h").out.startswith(f"\nUsage: {verb} - ")

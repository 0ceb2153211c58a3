"""Every shape in which lsdef lists."""

import pytest
from sbrun import COMPUTE, SCRIPTS, SERVICE, Sb, error, warning

NONE = "Could not find any object definitions to display.\n"
NO_MATCH = "No object definitions have been found\n"


@pytest.fixture
def two(sb: Sb) -> Sb:
    """Two nodes."""
    sb("mkdef", "n1", "groups=all,compute", "mgt=ipmi", "ip=10.0.0.1")
    sb("mkdef", "n2", "groups=all")
    return sb


def test_short(two: Sb) -> None:
    assert two("lsdef") == (0, "n1  (node)\nn2  (node)\n", "")
    assert two("lsdef", "-s").out == two("lsdef", "-t", "node").out == two("lsdef").out
    assert two("lsdef", "n2", "-s").out == "n2  (node)\n"
    assert two("lsdef", "-t", "node,osimage", "-s").out == (
        f"n1  (node)\nn2  (node)\n{COMPUTE}  (osimage)\n{SERVICE}  (osimage)\n"
    )
    assert two("lsdef", "-a").out == (
        f"all (group)\ncompute (group)\nn1 (node)\nn2 (node)\n{COMPUTE} (osimage)\n{SERVICE} (osimage)\n"
        "clustersite (site)\n"
    )


def test_long(two: Sb) -> None:
    n1 = f"Object name: n1\n    groups=all,compute\n    ip=10.0.0.1\n    mgt=ipmi\n{SCRIPTS}"
    n2 = f"Object name: n2\n    groups=all\n{SCRIPTS}"
    assert two("lsdef", "n1,n2") == (0, n1 + n2, "")
    assert two("lsdef", "-l").out == two("lsdef", "all").out == two("lsdef", "-o", "n1-n2").out == n1 + n2
    assert two("lsdef", "-t", "node,group", "-l").out.startswith("Object name: n1  (node)\n")


def test_chosen_attributes(two: Sb) -> None:
    assert two("lsdef", "n2", "-i", "mgt,groups").out == "Object name: n2\n    groups=all\n    mgt=\n"
    assert two("lsdef", "all", "-ci", "mgt,ip").out == "n1: ip=10.0.0.1\nn1: mgt=ipmi\nn2: ip=\nn2: mgt=\n"
    wrong = two("lsdef", "n2", "-i", "mgt,mgtt")
    assert (wrong.code, wrong.out) == (1, "Object name: n2\n    mgt=\n")
    first, hint = wrong.err.splitlines()
    assert first == error("'mgtt' is not a valid attribute name for an object type of 'node'.").rstrip()
    assert "Did you mean mgt" in hint


def test_stanza(two: Sb) -> None:
    title = "# <xCAT data object stanza file>\n"
    assert two("lsdef", "n2", "-z").out == f"{title}\nn2:\n    objtype=node\n    groups=all\n"
    assert two("lsdef", "-z", "-t", "node", "-s").out == f"{title}\nn1:\n\nn2:\n"
    assert two("lsdef", "n2", "-z", "-i", "mgt,groups").out == (
        f"{title}\nn2:\n    objtype=node\n    groups=all\n    mgt=\n"
    )


def test_where_it_is_kept(two: Sb) -> None:
    two("chdef", "n2", "postscripts=own", "mgt=openbmc", "bmc=b2")
    assert two("lsdef", "n1", "-V").out.splitlines()[1:] == [
        "    groups=all,compute\t(Table:nodelist - Key:node - Column:groups)",
        "    ip=10.0.0.1\t(Table:hosts - Key:node - Column:ip)",
        "    mgt=ipmi\t(Table:nodehm - Key:node - Column:mgt)",
        "    postbootscripts=otherpkgs       (Table:postscripts - Key:node - Column:postbootscripts)",
        "    postscripts=syslog,remoteshell,syncfiles     (Table:postscripts - Key:node - Column:postscripts)",
    ]
    n2 = two("lsdef", "n2", "-V").out
    assert "    bmc=b2\t(Table:openbmc - Key:node - Column:bmc)\n" in n2
    assert "postscripts=syslog,remoteshell,syncfiles,own\t(Table:postscripts - Key:node - Column:postscripts)\n" in n2
    image = two("lsdef", "-V", "-t", "osimage", COMPUTE).out
    assert ".pkglist\t(Table:linuximage - Key: imagename - Column:pkglist)\n" in image
    assert "osvers=debian12\t(Table:osimage - Key: imagename - Column:osvers)\n" in image


def test_unknown_names(two: Sb) -> None:
    absent = error("Could not find an object named 'n9' of type 'node'.")
    assert two("lsdef", "n9") == (1, NO_MATCH, absent)
    mixed = two("lsdef", "n2,n9")
    assert (mixed.code, mixed.err) == (1, absent)
    assert mixed.out == two("lsdef", "n2").out
    assert two("lsdef", "-t", "network", "x").err == error("Could not find an object named 'x' of type 'network'.")


def test_nothing_there(sb: Sb) -> None:
    for words in ([], ["-t", "network"], ["-l"], ["-t", "node,network", "-l"]):
        assert sb("lsdef", *words) == (0, NONE, "")


def test_selection(two: Sb) -> None:
    assert two("lsdef", "-w", "mgt==ipmi").out == two("lsdef", "-w", "mgt=ipmi").out == "n1  (node)\n"
    assert two("lsdef", "-w", "groups=~/comp/").out == "n1  (node)\n"
    assert two("lsdef", "-w", "groups!~comp").out == "n2  (node)\n"
    for never in ("mgt!=ipmi", "mgt!~ipmi", "mgt==hmc"):
        assert two("lsdef", "-w", never) == (0, NO_MATCH, "")
    assert two("lsdef", "-w", "mgt==hmc", "-w", "mgt==ipmi").out == "n1  (node)\n"
    assert two("lsdef", "-w", "ip==10.0.0.1", "-i", "mgt").out == "Object name: n1\n    mgt=ipmi\n"
    wrong = two("lsdef", "-w", "mgt")
    assert (wrong.code, wrong.out) == (1, "")
    assert wrong.err.startswith(error("Incorrect selection string specified with -w flag.").rstrip("\n"))


def test_hidden_nodes(two: Sb) -> None:
    two("chdef", "n1", "hidden=1")
    assert two("lsdef").out == "n2  (node)\n"
    assert two("lsdef", "n1") == (0, "", "")
    assert two("lsdef", "-S").out == "n1  (node)\nn2  (node)\n"
    assert two("lsdef", "-S", "n1").out.startswith("Object name: n1\n")
    assert two("lsdef", "-lS").out.count("Object name") == 2


def test_site(sb: Sb) -> None:
    sb("chdef", "-t", "site", "domain=lab.example", "SNsyncfiledir=/x")
    assert sb("lsdef", "-t", "site").out == "clustersite  (site)\n"
    long = sb("lsdef", "-t", "site", "-l").out
    assert long == sb("lsdef", "-t", "site", "clustersite").out == sb("lsdef", "-t", "site", "-o", "clustersite").out
    keys = [line.strip().partition("=")[0] for line in long.splitlines()[1:]]
    assert keys == sorted(keys)
    assert keys[0] == "SNsyncfiledir"
    assert sb("lsdef", "-t", "site", "-i", "domain,nosuch").out == "Object name: clustersite\n    domain=lab.example\n"
    other = sb("lsdef", "-t", "site", "-i", "domain", "foo")
    assert other.err == error("Could not find an object named 'foo' of type 'site'.")
    assert other.out == "Object name: clustersite\n    domain=lab.example\n"


def test_interfaces(two: Sb) -> None:
    two("chdef", "n1", "nicips.eth0=10.0.0.1", "nicips.ib0=10.1.0.1|10.2.0.1", "nictypes.ib0=Infiniband")
    nics = "    nicips.eth0=10.0.0.1\n    nicips.ib0=10.1.0.1|10.2.0.1\n    nictypes.ib0=Infiniband\n"
    assert two("lsdef", "n1", "--nics").out == f"Object name: n1\n{nics}"
    assert nics in two("lsdef", "n1", "-z").out
    assert two("lsdef", "n1", "-i", "nicips.ib0").out == "Object name: n1\n    nicips.ib0=10.1.0.1|10.2.0.1\n"
    assert two("lsdef", "n1", "-ci", "nicips").out == "n1: nicips.eth0=10.0.0.1\nn1: nicips.ib0=10.1.0.1|10.2.0.1\n"
    assert two("lsdef", "n2", "--nics").out == "Object name: n2\n"
    two("chdef", "n1", "nicips.eth0=")
    two("chdef", "n2", "nicips=eth1!1.2.3.4,eth2!1.2.3.5")
    assert two("lsdef", "n1,n2", "-i", "nicips").out == (
        "Object name: n1\n    nicips.ib0=10.1.0.1|10.2.0.1\n"
        "Object name: n2\n    nicips.eth1=1.2.3.4\n    nicips.eth2=1.2.3.5\n"
    )


def test_osimage_of_nodes(two: Sb) -> None:
    two("chdef", "n1", f"provmethod={COMPUTE}")
    shown = two("lsdef", "n1,n2", "--osimage")
    assert "    provmethod=debian12-x86_64-netboot-compute\n    exlist=/" in shown.out
    assert "    provmethod=netboot\n" in shown.out
    assert shown.err == error(
        "Missing attributes for node n2, check the node attributes 'os', 'arch','profile' and 'provmethod'."
    )
    two("chdef", "n2", "provmethod=gone")
    assert two("lsdef", "n2", "--osimage").err == warning("n2: could not find information for osimage gone")


def test_expressions(two: Sb) -> None:
    two("chdef", "-t", "group", "all", r"ip=|\D+(\d+)|10.0.0.($1+100)|", "bmc=|bmc($1)|", "mgt=ipmi")
    assert two("lsdef", "n2", "-i", "ip,bmc").out == "Object name: n2\n    bmc=bmc2\n    ip=10.0.0.102\n"
    assert "    bmc=|bmc($1)|\n" in two("lsdef", "-t", "group", "all").out


def test_what_no_longer_fits_is_not_shown(two: Sb) -> None:
    two("chdef", "n1", "bmc=b1", "bmcusername=admin")
    assert "bmc=b1" in two("lsdef", "n1").out
    two("chdef", "n1", "mgt=")
    assert "bmc" not in two("lsdef", "n1").out
    two("chdef", "n1", "mgt=ipmi")
    assert "bmc=b1" in two("lsdef", "n1").out


def test_stdin_is_left_alone(two: Sb) -> None:
    stanza = "n9:\n    objtype=node\n    groups=all\n"
    assert two("lsdef", "n2", "-i", "mgt", stdin=stanza).code == 0
    assert two("chdef", "n2", "mgt=ipmi", stdin=stanza).out.startswith("1 object")
    assert two("mkdef", "n3", "groups=all", stdin=stanza).code == 0
    assert "n9" not in two("lsdef").out

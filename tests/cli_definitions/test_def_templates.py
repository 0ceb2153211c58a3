"""Node templates: listed, shown, used."""

from sbrun import SCRIPTS, Sb, error, made

NAMES = (
    "cec-template", "hmc-template", "onieswitch", "ppc64le-openbmc-template", "ppc64le-template",
    "ppc64lekvmguest-template", "switch-template", "x86_64-template", "x86_64kvmguest-template",
)  # fmt: skip


def test_listed(sb: Sb) -> None:
    assert sb("lsdef", "--template") == (0, "".join(f"{name}  (node)\n" for name in NAMES), "")
    assert sb("lsdef", "-a", "--template").out == "".join(f"{name} (node)\n" for name in NAMES)
    assert sb("lsdef", "-t", "osimage", "--template") == (0, "Could not find any objects to display.\n", "")
    assert sb("lsdef", "--template", "nope") == (1, "", error("Could not find nope in xCAT templates."))


def test_shown(sb: Sb) -> None:
    shown = sb("lsdef", "--template", "switch-template")
    assert (shown.code, shown.err) == (0, "")
    lines = shown.out.splitlines()
    assert lines[:2] == ["Object name: switch-template", "    groups=switch"]
    assert lines[2].startswith("    ip=OPTIONAL:")
    assert SCRIPTS in shown.out
    assert sb("lsdef", "--template", "switch-template,x86_64-template").out.count("Object name: ") == 2
    stanza = sb("lsdef", "-z", "--template", "x86_64-template").out
    assert stanza.startswith(
        "# <xCAT data object stanza file>\n\nx86_64-template:\n    objtype=node\n    arch=x86_64\n"
    )
    assert "postscripts" not in stanza
    assert "    bmcpassword=OPTIONAL:" in stanza


def test_used(sb: Sb) -> None:
    assert sb("mkdef", "n1", "--template", "x86_64-template", "ip=10.0.0.1", "bmc=b1", "serialport=0").out == made(1)
    shown = sb("lsdef", "n1", "-z").out
    for line in ("arch=x86_64", "bmc=b1", "cons=ipmi", "getmac=ipmi", "groups=all", "ip=10.0.0.1", "mgt=ipmi",
                 "netboot=xnba", "serialport=0", "serialspeed=115200"):  # fmt: skip
        assert f"    {line}\n" in shown
    assert "OPTIONAL" not in shown
    missing = sb("mkdef", "n2", "--template", "x86_64-template", "ip=10.0.0.2")
    assert (missing.code, missing.out) == (1, "")
    assert missing.err.startswith(error('The attribute "bmc" must be specified!').rstrip("\n"))
    assert "n2" not in sb("lsdef").out


def test_an_object_as_template(sb: Sb) -> None:
    sb("mkdef", "n1", "groups=all", "mgt=ipmi", "serialport=1", "nicips.eth0=10.0.0.1")
    assert sb("mkdef", "n2", "--template", "n1", "serialport=0", "mgt=0").out == made(1)
    assert sb("lsdef", "n2", "-z").out.splitlines()[4:] == [
        "    groups=all", "    mgt=ipmi", "    nicips.eth0=10.0.0.1", "    serialport=1",
    ]  # fmt: skip
    assert sb("mkdef", "n3", "--template", "n9") == (
        1, "", error("Could not find the template object named 'n9' of type 'node'."),
    )  # fmt: skip
    same = error("The template node cannot be the same as the node to create.")
    assert sb("mkdef", "n1", "--template", "n1").err == same

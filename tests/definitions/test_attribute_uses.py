"""Every attribute is honoured, refused or a note, and says which: in the table, in lsdef's help and on the page."""

from pathlib import Path

import pytest

from sbkernel.definitions.attributes import attributes_of
from sbkernel.definitions.definition import Definition
from sbkernel.definitions.objectverbs.listing import attribute_help
from sbkernel.definitions.refusals import refusals, refuse
from sbkernel.definitions.tables.attribute import Attribute, refused
from sbkernel.definitions.tables.page import page
from sbkernel.errors import DefinitionError

# What xCAT's stateless workflow reads of a node and of the site (man node, man site, genimage, packimage, nodeset).
NODE = """groups status statustime updatestatus updatestatustime appstatus hidden zonename usercomment os arch profile
provmethod supportedarchs mgt power cons getmac termserver termport conserver consoleondemand consoleenabled serialport
serialspeed serialflow mac ip hostnames otherinterfaces netboot installnic primarynic xcatmaster servicenode tftpserver
nfsserver monserver nameservers tftpdir nfsdir syslog routenames kernel initrd kcmdline addkcmdline bmc bmcport
bmcusername bmcpassword bmcvlantag consport postscripts postbootscripts prescripts-begin prescripts-end chain ondiscover
currstate currchain vmhost vmcpus vmmemory vmnics vmnicnicmodel vmstorage vmvncport nicips nictypes nicnetworks
nichostnamesuffixes""".split()  # noqa: SIM905
SITE = """installdir tftpdir master domain nameservers forwarders dhcpinterfaces dhcplease dhcpbackend dhcpsetup
disjointdhcps sharedtftp httpport httpmethod xcatdport xcatiport nodestatus timezone secureroot consoleservice
consoleondemand useflowcontrol xcatdebugmode excludenodes SNsyncfiledir nodesyncfiledir runbootscripts
precreatemypostscripts cleanupxcatpost managedaddressmode ubuntu_apt_mirror""".split()  # noqa: SIM905
REFUSED = [
    (objtype, name)
    for objtype in ("osimage", "node", "site")
    for name, one in attributes_of(objtype).items()
    if one.netboot and one.netboot.kind == "refused"
]


def wrong(attribute: Attribute) -> str:
    """Return a value that is refused."""
    assert attribute.netboot is not None
    return next((value for value in attribute.values if value not in attribute.netboot.accepts), "/some/thing")


@pytest.mark.parametrize("objtype", ["osimage", "node", "site"])
def test_every_attribute_says_what_becomes_of_it(objtype: str) -> None:
    known = attributes_of(objtype)
    wanted = {"osimage": list(known), "node": NODE, "site": SITE}[objtype]
    assert [name for name in wanted if known[name].netboot is None] == []


@pytest.mark.parametrize(("objtype", "name"), REFUSED)
def test_what_is_refused_says_why_and_how_to_go_on(objtype: str, name: str) -> None:
    attribute = attributes_of(objtype)[name]
    assert attribute.netboot is not None
    for value in attribute.netboot.accepts:
        refuse(Definition.of(objtype, "x", {name: value}), attribute.netboot.verb)
    bad = Definition.of(objtype, "x", {name: wrong(attribute)})
    with pytest.raises(DefinitionError) as caught:
        refuse(bad, attribute.netboot.verb)
    assert caught.value.message.startswith(f"{name}={wrong(attribute)} of {objtype} x is refused: ")
    assert f"sb chdef -t {objtype} x {name}=" in str(caught.value.hint)
    assert list(refusals(bad, "another verb")) == []


def test_what_other_verbs_honour_is_in_a_test_of_theirs() -> None:
    uses = (
        (name, one.netboot) for objtype in ("osimage", "node", "site") for name, one in attributes_of(objtype).items()
    )
    others = {name for name, use in uses if use and use.kind == "honoured" and use.verb not in ("genimage", "nodeset")}
    here = Path(__file__).parents[1]
    texts = [file.read_text() for file in here.rglob("test_*.py") if not file.name.startswith("test_attribute")]
    assert {name for name in others if not any(f"{name}=" in text or f'"{name}"' in text for text in texts)} == set()


def test_one_item_of_a_list_is_enough_to_be_refused() -> None:
    use = refused("nodeset", "no", accepts=("a", "b"))
    assert [use.refuses(value) for value in ("", "a", "b, a", "a,c", "c")] == [False, False, False, True, True]


def test_help_says_it() -> None:
    text = "\n".join(attribute_help("osimage"))
    for name, attribute in attributes_of("osimage").items():
        assert f"\n{name}:\t" in text and f"\n\t\t{attribute.netboot}\n" in f"{text}\n", name
    assert "Honoured by nodeset: with provmethod=boottarget nodes boot that, and no image." in text


def test_the_page_is_up_to_date() -> None:
    committed = Path(__file__).parents[2] / "notebooks" / "docs" / "attributes.md"
    assert committed.read_text() == page(), "python -m sbkernel.definitions.tables.page > notebooks/docs/attributes.md"
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    assert all(line.replace("\\|", "").count("|") == 4 for line in rows)

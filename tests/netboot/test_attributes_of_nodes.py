"""nodeset and every attribute that it reads: a refused one stops it, an honoured one changes what it writes."""

import io
import tarfile
from pathlib import Path

import pytest
from netsite import IMAGE, script_of

from sbkernel.definitions.attributes import attributes_of
from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.netboot.nodeset import nodeset
from sbkernel.site import Site

SITE = "clustersite"
BY_NODESET = [
    (objtype, name, one.netboot)
    for objtype in ("osimage", "node", "site")
    for name, one in attributes_of(objtype).items()
    if one.netboot and one.netboot.verb == "nodeset"
]
REFUSED = [(objtype, name) for objtype, name, use in BY_NODESET if use.kind == "refused"]
HONOURED = [(objtype, name) for objtype, name, use in BY_NODESET if use.kind == "honoured"]
# What nodeset writes, or needs to do anything at all; other tests of nodeset are about these.
ELSEWHERE = (
    {
        ("node", name)
        for name in ("groups", "os", "arch", "profile", "provmethod", "kernel", "initrd", "kcmdline", "currstate")
    }
    | {("site", "dhcpsetup"), ("site", "excludenodes"), ("site", "secureroot"), ("node", "diskimage")}
    | {("node", "rootkind"), ("osimage", "rootkind")}
    | {("osimage", "boottarget"), ("osimage", "partitionfile")}
)


def name_of(objtype: str) -> str:
    return {"osimage": IMAGE, "node": "n1", "site": SITE}[objtype]


def store(site: Site, objtype: str, **values: str) -> None:
    """Store values without asking whether they fit the others, as an import from xCAT may."""
    with site.store.write("test") as transaction:
        before = transaction.get(objtype, name_of(objtype)) or {}
        transaction.put(objtype, name_of(objtype), before | values)


def written(site: Site) -> dict[str, bytes]:
    nodeset(site, "n1", f"osimage={IMAGE}")["n1"]
    return {str(path.relative_to(site.boot)): path.read_bytes() for path in site.boot.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("objtype", "name"), REFUSED)
def test_what_is_refused_stops_nodeset(
    site: Site, version: ImageVersion, nodes: list[str], objtype: str, name: str
) -> None:
    attribute = attributes_of(objtype)[name]
    assert attribute.netboot is not None
    refused = (one for one in attribute.values if one not in attribute.netboot.accepts)  # type: ignore[union-attr]
    store(site, objtype, **{name: next(refused, "/some/thing")})
    with pytest.raises(SbkernelError, match=f"{name}=.* of {objtype} {name_of(objtype)} is refused: "):
        written(site)
    assert not (site.boot / "nodes/n1.ipxe").exists()
    store(site, objtype, **{name: next(iter(attribute.netboot.accepts), "")})
    assert "nodes/n1.ipxe" in written(site)


@pytest.mark.parametrize(("objtype", "name"), sorted(set(HONOURED) - ELSEWHERE))
def test_what_is_honoured_changes_what_nodeset_writes(
    site: Site, version: ImageVersion, nodes: list[str], tmp_path: Path, objtype: str, name: str
) -> None:
    values = {
        "addkcmdline": "quiet", "crashkernelsize": "256M", "ip": "10.0.0.99", "mac": "52:54:00:00:00:99",
        "installnic": "52:54:00:00:00:77", "serialport": "1", "serialspeed": "9600", "serialflow": "hard",
        "syslog": "ignore", "xcatmaster": "10.0.0.7", "servicenode": "10.0.0.6", "nfsserver": "10.0.0.8",
        "domain": "lab", "master": "10.0.0.9", "ntpservers": "10.0.0.5", "httpport": "8099", "syslogport": "10999",
        "nodestatus": "n", "xcatdebugmode": "1", "tftpdir": str(tmp_path / "tftp"), "supportedarchs": "ppc64le",
        "postscripts": "mine", "postbootscripts": "mine",
    }  # fmt: skip
    if name == "master":
        store(site, "node", xcatmaster="")
        store(site, "site", master="10.0.0.2")
    (site.installdir / "postscripts").mkdir()
    (site.installdir / "postscripts" / "mine").write_text("true\n")
    before = written(site)
    store(site, objtype, **{name: values[name]})
    if name == "supportedarchs":
        with pytest.raises(SbkernelError, match="is of x86_64, and supportedarchs=ppc64le"):
            written(site)
        return
    assert written(site) != before or name == "tftpdir"
    assert name != "tftpdir" or (tmp_path / "tftp/nodes/n1.ipxe").exists()


def line_of(site: Site, node: str = "n1") -> list[str]:
    written(site)
    script = script_of(site.boot, node)
    return next(line for line in script.splitlines() if line.startswith("kernel ")).split()


def test_placeholders_are_filled_in(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    site.set("group", "all", room="7")
    site.set("network", "lan", net="10.0.0.0", mask="255.255.255.0", gateway="10.0.0.254")
    site.set(
        "osimage", IMAGE,
        addkcmdline="R::console=ttyS9 room=#NODEATTRIB:nodepos:room# ip=#TABLE:hosts:THISNODE:ip#,!myipfn! "
        "me=#TABLE:nodelist:$NODE:node# gw=#TABLE:networks:lan:gateway#:#TABLE:networks:net=10.0.0.0:gateway# "
        "log=#TABLE:site:syslogport:value#",
    )  # fmt: skip
    site.set("node", "n1", addkcmdline="R::quiet last")
    words = line_of(site)
    assert words[words.index("room=7") :] == [
        "room=7", "ip=10.0.0.11,10.0.0.1", "me=n1", "gw=10.0.0.254:10.0.0.254", "log=10514", "last",
        "||", "goto", "again",
    ]  # fmt: skip
    assert "console=ttyS9" not in " ".join(words)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("#NODEATTRIB:nodepos:room#", "has no value"),
        ("#NODEATTRIB:nopos:room#", "nopos.room not a valid table.column description"),
        ("#NODEATTRIB:networks:gateway#", "table networks has no rows of nodes"),
        ("#TABLE:networks:nowhere:gateway#", "has no value"),
        ("#TABLE:networks:lan:nocolumn#", "networks.nocolumn not a valid"),
        ("#TABLE:passwd:system:password#", "is a secret"),
        ("#NODEATTRIB:ipmi:password#", "is a secret"),
        ("#NODEATTRIB:nodelist:comments#", "holds the word ||"),
        ("#NODEATTRIB:room#", "holds #NODEATTRIB: without the names"),
    ],
)
def test_a_placeholder_that_cannot_be_filled_in_is_refused(
    site: Site, version: ImageVersion, nodes: list[str], text: str, why: str
) -> None:
    site.set("passwd", "system", username="root", password="hush")
    site.set("node", "n1", addkcmdline=f"x {text}", usercomment="a || b", mgt="ipmi", bmcpassword="hush")
    error = nodeset(site, "n1", f"osimage={IMAGE}").errors["n1"]
    assert why in str(error) and "hush" not in str(error)


def test_images_may_come_from_another_server(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    site.set("node", "n1", nfsserver="10.0.0.8")
    words = line_of(site)
    assert words[1].startswith("http://10.0.0.8:8080/catalog/")
    assert f"imgurl=http://10.0.0.8:8080/catalog/{version.digest}/root.squashfs" in words
    assert "XCAT=10.0.0.1:8080" in words
    site.set("node", "n1", nfsserver="<xcatmaster>")
    assert line_of(site)[1].startswith("http://10.0.0.1:8080/catalog/")


def test_debugging_and_the_memory_of_a_crash_kernel(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    site.set("osimage", IMAGE, crashkernelsize="1G-4G:192M,4G-:384M")
    site.set("site", SITE, xcatdebugmode="2")
    assert {"crashkernel=1G-4G:192M,4G-:384M", "loglevel=7", "sbkernel.shell"} <= set(line_of(site))


def test_a_node_whose_log_is_ignored_does_not_forward_it(site: Site, version: ImageVersion, nodes: list[str]) -> None:
    def members() -> list[str]:
        overlay = written(site)["nodes/n1.overlay.tar"]
        with tarfile.open(fileobj=io.BytesIO(overlay)) as tar:
            return tar.getnames()

    assert "etc/rsyslog.d/90-sbkernel.conf" in members()
    site.set("node", "n1", syslog="ignore")
    assert "etc/rsyslog.d/90-sbkernel.conf" not in members()


def test_a_root_password_is_in_the_nodes_own_files_alone_unless_root_is_secured(
    site: Site, version: ImageVersion, nodes: list[str]
) -> None:
    site.set("passwd", "system", username="root", password="hush")
    hashed = site.root_password_hash()
    assert hashed is not None
    found = written(site)
    holding = [name for name, content in found.items() if hashed.reveal().encode() in content]
    assert holding == ["nodes/n1.overlay.tar"]
    everything = [path for path in site.root.rglob("*") if path.is_file() and path.suffix != ".tar"]
    assert [path for path in everything if hashed.reveal().encode() in path.read_bytes()] == []
    site.set("site", SITE, secureroot="1")
    assert all(b"$6$" not in content for content in written(site).values())


def test_a_site_that_gives_addresses_otherwise_is_refused_once(
    site: Site, version: ImageVersion, nodes: list[str]
) -> None:
    store(site, "site", managedaddressmode="static")
    with pytest.raises(
        DefinitionError, match="managedaddressmode=static of site clustersite is refused: nodes get"
    ) as e:
        nodeset(site, "n1,n2", f"osimage={IMAGE}")
    assert "sb chdef -t site clustersite managedaddressmode=" in str(e.value.hint)
    assert nodeset(site, "n1", "offline") == {"n1": "offline"}

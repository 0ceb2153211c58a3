"""updatenode -S on nodes with the real apt, dnf and zypper, and a repository of small packages behind a web server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from debs import index, make_deb
from fleet import sb
from rpms import make_repository, make_rpm
from serving import serving
from sshd import sshd

from sbkernel.definitions.attributes import SITE
from sbkernel.images.families import open_manager
from sbkernel.images.families.package_manager import Request
from sbkernel.lists import pkglist
from sbkernel.nodes.remote.reasons import reasons
from sbkernel.nodes.remote.updatenode import updatenode
from sbkernel.nodes.remote.xdsh import xdsh
from sbkernel.site import Site

_NOWHERE = "no source of this node has it"


@dataclass
class Nodes:
    """A site with nodes of one family, the directory of their packages, and how one of its packages is made."""

    site: Site
    place: Path
    repository: Path
    osvers: str

    def add(self, name: str, version: str = "1.0", *, needs: str = "", script: str = "", content: str = "x") -> None:
        """Put a package into the repository."""
        if self.osvers.startswith("debian"):
            scripts = {"DEBIAN/postinst": f"#!/bin/sh\n{script}\n"} if script else {}
            files = {f"etc/{name}.conf": content, "DEBIAN/conffiles": f"/etc/{name}.conf\n", **scripts}
            fields = {"Depends": needs} if needs else {}
            make_deb(self.repository, name, files, Version=version, **fields)
            index(self.repository, "--multiversion")
        else:
            more = f"Requires: {needs}\n" if needs else ""
            make_rpm(self.repository, name, f"{version}-1", "noarch", more=more, files={f"usr/share/{name}": content})
            make_repository(self.repository)

    def list(self, image: str, text: str, other: str = "") -> None:
        """Write the lists of an image."""
        for attribute, content in (("pkglist", text), ("otherpkglist", other)):
            (file := self.place / f"{image}.{attribute}").write_text(content)
            self.site.set("osimage", image, **{attribute: str(file)})

    def installed(self, node: str) -> set[str]:
        """Return the small packages that a node has, as its own package manager says."""
        query = "dpkg-query -W -f '${db:Status-Status} ${Package} ${Version}\\n' 'own-*' 2>/dev/null"
        query += " | sed -n 's/^installed //p'"
        if not self.osvers.startswith("debian"):
            query = "rpm -qa --qf '%{name} %{version}\\n' 'own-*'"
        return set(xdsh(self.site, node, query)[node].output.splitlines())


@contextmanager
def running(site: Site, place: Path, osvers: str, pkgdir: str, without: str) -> Iterator[Nodes]:
    """Let n1 and n2 run, each with an image of its own name, whose sources are those that a build lays into it."""
    (repository := place / "repository").mkdir(parents=True)
    site.set("site", SITE, master="10.0.0.1")
    with ExitStack() as stack:
        port = stack.enter_context(serving(repository))
        address = pkgdir.format(url=f"http://127.0.0.1:{port}")
        attributes = {"osvers": osvers, "osarch": "x86_64", "pkgdir": address}
        laid = open_manager(site, Request(attributes, pkglist.parse("own-tool"))).laid()
        for node in ("n1", "n2"):
            site.set("osimage", f"img-{node}", imagetype="linux", **attributes)
            for path, content in {**laid, "etc/apt/apt.conf.d/zz": b'Acquire::http::Proxy "DIRECT";\n'}.items():
                (file := place / node / path).parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
            stack.enter_context(sshd(site, node, place / node, place / f"sshd-{node}", mounts="/root", without=without))
            site.set("node", node, provmethod=f"img-{node}")
        yield Nodes(site, place, repository, osvers)


@pytest.fixture
def debian(site: Site, tmp_path: Path) -> Iterator[Nodes]:
    hidden = "/etc/apt/sources.list /etc/apt/sources.list.d /var/lib/apt/lists"
    with running(site, tmp_path / "nodes", "debian12", "[trusted=yes] {url} ./", hidden) as nodes:
        yield nodes


def test_apt_installs_removes_and_then_has_nothing_to_do(debian: Nodes) -> None:
    for name in ("own-tool", "own-old", "own-late"):
        debian.add(name)
    debian.add("own-needs", needs="own-dep")
    debian.add("own-dep", script='echo "$SB_TEST" >/etc/own-dep.env')
    debian.list("img-n1", "own-tool,own-old\n", "own-late\n")
    done = updatenode(debian.site, "n1", software=True)["n1"]
    assert done.ok and debian.installed("n1") == {"own-tool 1.0", "own-old 1.0", "own-late 1.0"}, done.output
    assert {"installed own-tool 1.0", "installed own-late 1.0"} <= set(done.output.splitlines())

    xdsh(debian.site, "n1", "echo by hand >/etc/own-tool.conf")
    debian.add("own-tool", "2.0", content="y")
    debian.list("img-n1", "-own-old\nown-tool\n", "#ENV:SB_TEST='a b'#\nsite/own-needs\n--own-late\n--own-never\n")
    done = updatenode(debian.site, "n1", software=True)["n1"]
    wanted = {"own-tool 2.0", "own-needs 1.0", "own-dep 1.0"}
    assert done.ok and debian.installed("n1") == wanted, done.output
    assert {"removed own-tool 1.0", "installed own-tool 2.0", "removed own-old 1.0"} <= set(done.output.splitlines())
    kept = xdsh(debian.site, "n1", "cat /etc/own-tool.conf /etc/own-dep.env; ls /var/cache/apt/archives | grep ^own-")[
        "n1"
    ].output
    assert kept.splitlines() == ["by hand", "a b"], "what lies in memory is not kept twice"

    status, out, err = sb(debian.site, "updatenode", "n1", "-S")
    assert (status, err) == (0, "") and out.splitlines().count("n1: nothing to do") == 2
    assert out.splitlines()[-1] == "Running of Software maintenance has completed."
    debian.list("img-n1", "own-tool=1.0\n")
    assert updatenode(debian.site, "n1", software=True)["n1"].ok and "own-tool 1.0" in debian.installed("n1")


def test_what_cannot_be_installed_is_named_and_other_nodes_go_on(debian: Nodes) -> None:
    debian.add("own-tool")
    debian.add("own-needs", needs="own-nowhere (>= 2)")
    debian.add("own-bad", script="echo it cannot >&2; exit 3")
    debian.list("img-n2", "own-tool\n")
    debian.list("img-n1", "own-tol,own-tool=9,own-tool\n")
    status, out, err = sb(debian.site, "updatenode", "n1-n2", "-S")
    first, hint = err.splitlines()
    why = f"scripts failed: ospkgs (100): own-tol: {_NOWHERE}; own-tool=9: {_NOWHERE}"
    assert status == 1 and first.startswith("n1: [") and first.endswith(why), err
    assert hint.startswith("  a node installs from the addresses"), "one is nowhere, so it is told where they come from"
    assert "n2: postscript end....: ospkgs exited with code 0" in out.splitlines()
    assert (debian.installed("n1"), debian.installed("n2")) == (set(), {"own-tool 1.0"})
    for text, why in {
        "own-needs": "own-needs: Depends: own-nowhere (>= 2) but it is not installable",
        "own-bad": "own-bad: installed own-bad package post-installation script subprocess returned error exit "
        "status 3",
    }.items():
        debian.list("img-n1", f"{text}\n")
        done = updatenode(debian.site, "n1", software=True)["n1"]
        assert (done.error, done.hint) == (f"scripts failed: ospkgs (100): {why}", "")
    xdsh(
        debian.site, "n1",
        "rm /var/lib/apt/lists/*Packages; sed -i 's/127.0.0.1:[0-9]*/127.0.0.1:1/' /etc/apt/sources.list.d/*",
    )  # fmt: skip
    debian.list("img-n1", "own-tool\n")
    error = updatenode(debian.site, "n1", software=True)["n1"].error
    assert "ospkgs (100): cannot be fetched: http://127.0.0.1:1/" in error, (
        "a source that is away is no missing package"
    )
    assert debian.site.nodes["n1"].get("updatestatus") == "failed"


@pytest.mark.parametrize(
    ("osvers", "hidden"), [("rocky9.4", "/usr/bin/apt-get"), ("sles15.6", "/usr/bin/apt-get /usr/bin/dnf /usr/bin/yum")]
)
def test_dnf_and_zypper_do_the_same(site: Site, tmp_path: Path, osvers: str, hidden: str) -> None:
    hidden += " /var/lib/rpm /etc/yum.repos.d /etc/zypp/repos.d /var/cache/dnf /etc/os-release"
    with running(site, tmp_path / "nodes", osvers, "{url} gpgcheck=0", hidden) as nodes:
        for name in ("own-tool", "own-old"):
            nodes.add(name)
        nodes.list("img-n2", "own-tool\n")
        nodes.list("img-n1", "own-tool,own-old\n")
        done = updatenode(site, "n1", software=True)["n1"]
        assert done.ok and nodes.installed("n1") == {"own-tool 1.0", "own-old 1.0"}, done
        nodes.add("own-tool", "2.0")
        nodes.list("img-n1", "-own-old\n--own-never\nown-tool\n")
        done = updatenode(site, "n1", software=True)["n1"]
        assert done.ok and nodes.installed("n1") == {"own-tool 2.0"}, done.output
        assert updatenode(site, "n1", software=True)["n1"].output.splitlines().count("nothing to do") == 1
        nodes.list("img-n1", "own-tol\n")
        both = updatenode(site, "n1-n2", software=True)
        assert f"own-tol: {_NOWHERE}" in both["n1"].error and both["n2"].ok, both["n1"]
        nodes.add("own-needs", needs="own-nowhere")
        nodes.list("img-n1", "own-needs\n")
        done = updatenode(site, "n1", software=True)["n1"]
        assert "nothing provides " in done.error and "own-nowhere" in done.error, done


def test_reasons_are_few_and_of_any_error() -> None:
    lines = [f"E: Unable to locate package p{number}" for number in range(9)]
    assert reasons(lines * 2) == [*(f"p{number}: {_NOWHERE}" for number in range(5)), "and 4 more"]
    assert reasons(["x", "E: Failed to fetch http://a/p.deb  404"]) == ["cannot be fetched: http://a/p.deb  404"]
    assert reasons(["x", "E: dpkg was interrupted, you must: y"]) == ["E: dpkg was interrupted, you must: y"]
    assert reasons(["all is well", ""]) == []

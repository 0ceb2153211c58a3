"""SBOMs are valid by the official schemas, say what the manifest says, and are the same bytes again."""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from spdx_tools.spdx.parser.jsonlikedict.json_like_dict_parser import JsonLikeDictParser
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from sbkernel.errors import DefinitionError
from sbkernel.packages.manifest import Manifest, manifest
from sbkernel.packages.package import Package
from sbkernel.packages.readers.deb import dpkg
from sbkernel.packages.release import Release
from sbkernel.packages.sbom.facts import purl
from sbkernel.packages.sbom.sbom import sbom

ROCKY = Release("rocky", "9.4", "Rocky Linux 9.4 (Blue Onyx)")
DEBIAN = Release("debian", "12", "Debian GNU/Linux 12 (bookworm)")
RPMS = [
    Package("kernel", "5.14.0-427.el9", "x86_64", "rpm", 9, "kernel", "5.14.0-427.el9", licence="GPLv2 and MIT"),
    Package("kernel", "5.14.0-503.el9", "x86_64", "rpm", 9, "kernel", "5.14.0-503.el9", licence="Public Domain"),
    Package(
        "openssl-libs", "1:3.0.7-27.el9", "x86_64", "rpm", 5, "openssl", "3.0.7-27.el9", licence="ASL 2.0",
        origin="baseos", maintainer="Rocky <r@rocky.invalid>", homepage="https://www.openssl.org/", summary="TLS",
        explicit=False, sha256="a" * 64,
    ),
    Package("libstdc++", "11.4-3.el9", "i686", "rpm"),
    Package("libstdc++", "11.4-3.el9", "x86_64", "rpm", maintainer="Somebody"),
]  # fmt: skip
IMAGE = manifest(RPMS, name="compute", kind="image", release=ROCKY, made=1_700_000_000)


def debian() -> Manifest:
    """Return what this machine has, as a large real manifest."""
    known = dpkg.Known(auto=frozenset())
    packages, _ = dpkg.packages(Path("/", dpkg.STATUS).read_text(), known)
    return manifest([p._replace(licence="GPL-2+ AND Expat") for p in packages[:150]], name="debian", release=DEBIAN)


def spdx_schema() -> Any:
    """Return the official JSON schema of SPDX 2.3, as lib4sbom ships it; nothing of that library is imported."""
    found = importlib.util.find_spec("lib4sbom")
    assert found and found.submodule_search_locations
    return json.loads(Path(found.submodule_search_locations[0], "schemas/spdx/2.3-schema.json").read_text())


def check(form: str, text: str) -> None:
    if form == "cyclonedx":
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
        return
    data = json.loads(text)
    assert [error.message for error in Draft7Validator(spdx_schema()).iter_errors(data)] == []
    assert validate_full_spdx_document(JsonLikeDictParser().parse(data)) == []


@pytest.mark.parametrize("form", ["cyclonedx", "spdx"])
@pytest.mark.parametrize(
    "made", [IMAGE, debian(), manifest([]), manifest(RPMS[:1])], ids=["rpm", "deb", "empty", "bare"]
)
def test_they_are_valid(form: str, made: Manifest) -> None:
    check(form, sbom(made, form))


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
# dpkg and rpm see to it that names, versions and architectures are such.
NAME = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9.+_~^:-]{0,6}", fullmatch=True)
ODD = st.builds(
    Package, NAME, NAME, NAME, st.sampled_from(["deb", "rpm"]), licence=TEXT,
    source=TEXT, source_version=TEXT, maintainer=TEXT, summary=TEXT, origin=TEXT, section=TEXT,
)  # fmt: skip


@pytest.mark.parametrize("form", ["cyclonedx", "spdx"])
@settings(max_examples=25, deadline=None, phases=[Phase.reuse, Phase.generate])  # shrinking takes minutes here
@given(st.lists(ODD, max_size=3))
def test_they_are_valid_whatever_a_package_says(form: str, packages: list[Package]) -> None:
    check(form, sbom(manifest(packages, name="x", release=DEBIAN), form))


@pytest.mark.parametrize(
    ("maintainer", "supplier"),
    [
        ("A Team <a@b.org>", "Organization: A Team (a@b.org)"),
        ("A (b) <a@b.org>", "Organization: A [b] (a@b.org)"),
        ("(nobody)", "Organization: [nobody]"),
        (" ", None),
    ],
)
def test_a_maintainer_is_the_supplier_in_spdx(maintainer: str, supplier: str | None) -> None:
    made = sbom(manifest([Package("a", "1", "all", "deb", maintainer=maintainer)], name="x", release=DEBIAN), "spdx")
    check("spdx", made)
    assert json.loads(made)["packages"][1].get("supplier") in (supplier, supplier or "NOASSERTION")


@pytest.mark.parametrize("form", ["cyclonedx", "spdx"])
def test_the_same_manifest_gives_the_same_bytes_in_another_process(form: str, tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text(IMAGE.to_json())
    code = "import sys; from sbkernel.packages import manifest; from sbkernel.packages.sbom import sbom\n"
    code += "sys.stdout.write(sbom.sbom(manifest.from_json(open(sys.argv[1]).read()), sys.argv[2]))"
    texts = {
        subprocess.run(
            [sys.executable, "-c", code, tmp_path / "m.json", form], check=True, capture_output=True, text=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Tokyo"))
    }  # fmt: skip
    assert texts == {sbom(IMAGE, form)}
    assert sbom(replace(IMAGE, packages=IMAGE.packages[1:]), form) not in texts


def test_what_cyclonedx_says() -> None:
    bom = json.loads(sbom(IMAGE))
    assert bom["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    assert (bom["metadata"]["component"]["name"], bom["metadata"]["component"]["type"]) == (
        "compute",
        "operating-system",
    )
    by_ref = {component["bom-ref"]: component for component in bom["components"]}
    assert len(by_ref) == 5, "two kernels and two architectures are four components"
    openssl = by_ref["openssl-libs=1:3.0.7-27.el9:x86_64"]
    url = "pkg:rpm/rocky/openssl-libs@3.0.7-27.el9?arch=x86_64&distro=rocky-9.4&epoch=1"
    url += "&upstream=openssl-3.0.7-27.el9.src.rpm"
    assert openssl["purl"] == url
    assert openssl["licenses"] == [{"license": {"id": "Apache-2.0"}}]
    assert openssl["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert openssl["supplier"] == {"name": "Rocky <r@rocky.invalid>"}
    kernels = [c["licenses"] for c in bom["components"] if c["name"] == "kernel"]
    assert kernels == [[{"expression": "GPL-2.0-only AND MIT"}], [{"license": {"name": "Public Domain"}}]]
    (of_image,) = [d for d in bom["dependencies"] if d["ref"] == "image"]
    assert sorted(of_image["dependsOn"]) == sorted(by_ref)


def test_what_spdx_says() -> None:
    document = json.loads(sbom(IMAGE, "spdx"))
    assert document["creationInfo"]["created"] == "2023-11-14T22:13:20Z"
    packages = {package["SPDXID"]: package for package in document["packages"]}
    openssl = packages["SPDXRef-openssl-libs-3d-1-3a-3.0.7-27.el9-3a-x86-5f-64"]
    assert (openssl["licenseDeclared"], openssl["licenseConcluded"]) == ("Apache-2.0", "NOASSERTION")
    assert openssl["supplier"] == "Organization: Rocky (r@rocky.invalid)"
    assert openssl["checksums"] == [{"algorithm": "SHA256", "checksumValue": "a" * 64}]
    assert document["hasExtractedLicensingInfos"][0]["extractedText"] == "Public Domain"
    assert len(packages) == 6


def test_package_urls() -> None:
    assert str(purl(Package("libc6", "2.36-9", "amd64", "deb", source="glibc", source_version="2.36-9"), DEBIAN)) == (
        "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12&upstream=glibc"
    )
    bash = Package("bash", "1:5.2-2+b1", "amd64", "deb", source="bash", source_version="5.2-2")
    assert (
        str(purl(bash, DEBIAN)) == "pkg:deb/debian/bash@1:5.2-2%2Bb1?arch=amd64&distro=debian-12&upstream=bash%405.2-2"
    )
    assert str(purl(Package("a", "1", "", "deb"), Release())) == "pkg:deb/a@1"
    kernel = Package("kernel", "5.14.0-427.el9", "x86_64", "rpm", source="kernel", source_version="5.14.0-427.el9")
    assert (
        str(purl(kernel, Release("rhel", "9.4"))) == "pkg:rpm/redhat/kernel@5.14.0-427.el9?arch=x86_64&distro=rhel-9.4"
    )
    suse = Package("libzypp", "17-1", "x86_64", "rpm", source="libzypp")
    assert str(purl(suse, Release("opensuse-leap", "15.6"))) == (
        "pkg:rpm/opensuse/libzypp@17-1?arch=x86_64&distro=opensuse-leap-15.6"
    )


@pytest.mark.parametrize("form", ["cyclonedx", "spdx"])
def test_an_entry_that_is_there_twice_is_one_component(form: str) -> None:
    twice = manifest([RPMS[0], RPMS[0]._replace(summary="again")], release=ROCKY)
    check(form, sbom(twice, form))
    assert sbom(twice, form).count('"name": "kernel"') == 1


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(DefinitionError, match=r"no SBOM format 'swid'\n  cyclonedx or spdx"):
        sbom(IMAGE, "swid")

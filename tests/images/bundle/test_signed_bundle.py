"""Signatures of minisign travel along, and a site that knows keys asks for one."""

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from bundles import IMAGE, Sites, define, everything, rewritten
from smallimage import leftovers, publish

from sbkernel.errors import BuildError
from sbkernel.images.bundle.export_image import export_image
from sbkernel.images.bundle.import_image import import_image
from sbkernel.images.catalog import keys, signatures
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.verifyimage import verify_image
from sbkernel.site import Site

SIGNATURE = "sbkernel-image/version/sums.sig"


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[Sites]:
    with Site.open(tmp_path / "here") as here, Site.open(tmp_path / "there") as there:
        define(here)
        keys.make(here)
        yield Sites(here, there)


@pytest.fixture
def signed(sites: Sites, tmp_path: Path) -> Path:
    signatures.sign(sites.here, sites.version)
    return Path(export_image(sites.here, IMAGE, tmp_path / "signed.tar")["file"])


def believe(sites: Sites) -> None:
    key = keys.own(sites.here)
    assert key is not None
    keys.add(sites.there, "here", key.text)


def without_signature(info: tarfile.TarInfo, content: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
    return [] if info.name == SIGNATURE else [(info, content)]


def test_a_signature_of_a_known_key_arrives(sites: Sites, signed: Path, tmp_path: Path) -> None:
    believe(sites)
    done = import_image(sites.there, signed)
    assert done["remarks"][0].startswith("signed by here ")
    assert "its definition and lists are not signed" in done["remarks"][1]
    version = Catalog(sites.there).get(done["digest"])
    assert "signed by here" in verify_image(sites.there, version)[-1]
    again = export_image(sites.there, f"{IMAGE}@candidate", tmp_path / "again.tar")
    assert Path(again["file"]).read_bytes() == signed.read_bytes()


def test_a_site_that_knows_no_key_is_told_which_it_was(sites: Sites, signed: Path) -> None:
    done = import_image(sites.there, signed)
    assert "which is not known here" in done["remarks"][0]


def test_a_site_that_knows_keys_asks_for_one_of_them(sites: Sites, signed: Path) -> None:
    keys.make(sites.there)
    before = everything(sites.there)
    with pytest.raises(BuildError, match=r"signed\.tar is signed with the key .* not known here"):
        import_image(sites.there, signed)
    with pytest.raises(BuildError, match=r"rewritten\.tar is not signed"):
        import_image(sites.there, rewritten(signed, without_signature))
    assert everything(sites.there) == before
    assert Catalog(sites.there).versions() == []
    assert import_image(sites.there, signed, unsigned=True)["digest"]


def test_that_a_version_is_here_lets_no_definition_in(sites: Sites, tmp_path: Path) -> None:
    """Its image.json is served to everybody, so anybody can make a bundle of it."""
    publish(sites.there, b"hsqs" + bytes(range(256)) * 1000, IMAGE)
    keys.make(sites.there)
    assert sites.version
    bundle = export_image(sites.here, IMAGE, tmp_path / "x.tar")["file"]
    with pytest.raises(BuildError, match=r"x\.tar is not signed"):
        import_image(sites.there, bundle)
    assert IMAGE not in sites.there.osimages
    done = import_image(sites.there, bundle, unsigned=True)
    assert done["there"] and IMAGE in sites.there.osimages


def test_a_wrong_signature_is_refused_whatever_is_asked_for(sites: Sites, signed: Path) -> None:
    believe(sites)

    def forged(info: tarfile.TarInfo, content: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        if info.name == "sbkernel-image/version/sums":
            content = content.replace(b"kernel", b"kernal")
        return [(info, content)]

    with pytest.raises(BuildError, match=r"the signature of rewritten\.tar is wrong"):
        import_image(sites.there, rewritten(signed, forged), unsigned=True)
    assert Catalog(sites.there).versions() == []
    assert IMAGE not in sites.there.osimages
    assert leftovers(sites.there.catalog) == []


def test_the_signature_of_another_version_is_refused(sites: Sites, signed: Path, tmp_path: Path) -> None:
    believe(sites)
    signatures.sign(sites.here, publish(sites.here, b"hsqs another", IMAGE))
    other = export_image(sites.here, IMAGE, tmp_path / "other.tar")["file"]
    with tarfile.open(other) as tar:
        taken = {name: tar.extractfile(f"sbkernel-image/version/{name}") for name in ("sums", "sums.sig")}
        texts = {f"sbkernel-image/version/{name}": file.read() for name, file in taken.items() if file}
    mixed = rewritten(signed, lambda info, content: [(info, texts.get(info.name, content))])
    with pytest.raises(BuildError, match="is of another image"):
        import_image(sites.there, mixed)


def test_what_nodes_boot_only_signed(sites: Sites, tmp_path: Path) -> None:
    version = publish(sites.here, b"hsqs", IMAGE, key="0123456789ABCDEF")
    bare = export_image(sites.here, IMAGE, tmp_path / "bare.tar")["file"]
    with pytest.raises(BuildError, match=r"bare\.tar lacks the signature that its nodes ask for"):
        import_image(sites.there, bare)
    signatures.sign(sites.here, version)
    signed = export_image(sites.here, IMAGE, tmp_path / "signed.tar")["file"]
    with pytest.raises(BuildError, match="under another name it is another image"):
        import_image(sites.there, signed, name="two")
    assert import_image(sites.there, signed)["digest"] == version.digest

"""Signatures of minisign travel along, and a site that knows keys asks for one of all that it takes."""

import hashlib
import json
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from bundles import IMAGE, Change, Sites, define, everything, rewritten
from smallimage import age, leftovers, publish

from sbkernel.errors import BuildError, SbkernelError
from sbkernel.images.bundle import seal
from sbkernel.images.bundle.description import as_json, summed
from sbkernel.images.bundle.export_image import OCI, XCAT, export_image
from sbkernel.images.bundle.import_image import import_image
from sbkernel.images.catalog import keys, signatures
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.verifyimage import verify_image
from sbkernel.site import Site

PLACE = "sbkernel-image"
OF_VERSION = (f"{PLACE}/version/sums", f"{PLACE}/version/sums.sig")
OF_BUNDLE = (f"{PLACE}/{seal.SEAL}", f"{PLACE}/{seal.SIGNATURE}")


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


@pytest.fixture
def unsealed(signed: Path) -> Path:
    """The same as it was exported before bundles were signed, or as somebody leaves out what says more."""
    return rewritten(signed, without(*OF_BUNDLE)).rename(signed.with_name("unsealed.tar"))


def believe(sites: Sites, site: Site | None = None, name: str = "here") -> str:
    key = keys.own(site or sites.here)
    assert key is not None
    return keys.add(sites.there, name, key.text).id


def without(*names: str) -> Change:
    """Leave members out, and call it a bundle that has no more."""

    def change(info: tarfile.TarInfo, content: bytes) -> list[tuple[tarfile.TarInfo, bytes]]:
        if info.name == f"{PLACE}/bundle.json":
            content = as_json(summed({**json.loads(content), "format": 1}))
        return [] if info.name in names else [(info, content)]

    return change


def with_texts(texts: Mapping[str, bytes]) -> Change:
    return lambda info, content: [(info, texts.get(info.name, content))]


def texts_of(bundle: Path) -> dict[str, bytes]:
    with tarfile.open(bundle) as tar:
        files = {member.name: tar.extractfile(member) for member in tar}
        return {name: file.read() for name, file in files.items() if file}


def lie(texts: Mapping[str, bytes], name: str, before: bytes, after: bytes) -> dict[str, bytes]:
    """Change a list or the definition, and all sums that can be made without a key."""
    told = {**texts, name: texts[name].replace(before, after)}
    assert told[name] != texts[name]
    said = json.loads(told[f"{PLACE}/bundle.json"])
    for one in said["lists"]:
        facts = facts_of(told[f"{PLACE}/lists/{one['attribute']}.{one['number']}"])
        one |= {"sha256": facts.sha256, "size": facts.size}
    told[f"{PLACE}/bundle.json"] = as_json(summed(said))
    members = [facts_of(text, name.removeprefix(f"{PLACE}/")) for name, text in told.items() if name not in OF_BUNDLE]
    first = [one for one in members if not one.name.endswith(("root.squashfs", "kernel", "initrd", "manifest.json"))]
    told[OF_BUNDLE[0]] = seal.text_of(said["image"], said["digest"], [*first, *members[len(first) :]])
    return told


def facts_of(text: bytes, name: str = "") -> seal.Named:
    return seal.Named(name, hashlib.sha256(text).hexdigest(), len(text))


def test_a_bundle_of_a_known_key_arrives(sites: Sites, signed: Path, tmp_path: Path) -> None:
    key = believe(sites)
    done = import_image(sites.there, signed)
    version, whole = done["remarks"][:2]
    assert version.startswith(f"the version was signed by here {key}: lab signed by ")
    assert whole.startswith(f"version, definition and lists were signed by here {key}: lab exported by ")
    there = Catalog(sites.there).get(done["digest"])
    assert "signed by here" in verify_image(sites.there, there)[-1]
    again = import_image(sites.there, signed)
    assert (again["there"], again["laid"], again["remarks"]) == (True, [], [version, whole])
    twice = export_image(sites.here, IMAGE, tmp_path / "again.tar")
    assert Path(twice["file"]).read_bytes() == signed.read_bytes()
    assert twice["remarks"][-1] == f"version, definition and lists are signed with the key {key} of the site"


def test_a_seal_names_all_that_is_read(signed: Path) -> None:
    """Each member once, in its order; a line that a person can compare with sha256sum."""
    texts = texts_of(signed)
    image, *members = texts[OF_BUNDLE[0]].decode().splitlines()
    assert image.split()[:2] == ["bundle", IMAGE]
    expected = [facts_of(text, name.removeprefix(f"{PLACE}/")) for name, text in texts.items() if name not in OF_BUNDLE]
    assert members == [f"member {one.name} {one.sha256} {one.size}" for one in expected]


def test_a_site_that_knows_no_key_is_told_which_it_was(sites: Sites, signed: Path, unsealed: Path) -> None:
    unknown, _ = import_image(sites.there, signed)["remarks"]
    assert "which is not known here" in unknown
    again = import_image(sites.there, unsealed)["remarks"]
    assert again == [
        unknown.replace("signed.tar", "unsealed.tar"),
        "its definition and lists are not signed, so look at them",
    ]


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("lists/pkglist.1", b"vim", b"nim"),
        ("lists/postinstall.1", b"#!/bin/sh", b"#!/bin/sh\nevil"),
        ("lists/fstab.1", b"rw", b"ro"),
        ("bundle.json", b"quiet", b"init="),
        ("bundle.json", b'"mode": 493', b'"mode": 420'),
        ("bundle.json", b"/lab.exlist", b"/lab.excludes"),
    ],
)
def test_a_definition_or_list_that_somebody_changed_is_refused(
    sites: Sites, signed: Path, name: str, before: bytes, after: bytes
) -> None:
    believe(sites)
    everything_before = everything(sites.there)
    told = lie(texts_of(signed), f"{PLACE}/{name}", before, after)
    with pytest.raises(BuildError, match=r"the signature of rewritten\.tar is wrong"):
        import_image(sites.there, rewritten(signed, with_texts(told)), unsigned=True)
    del told[OF_BUNDLE[0]]
    with pytest.raises(BuildError, match="members in it, which is signed, is of other members"):
        import_image(sites.there, rewritten(signed, with_texts(told)), unsigned=True)
    assert everything(sites.there) == everything_before
    assert IMAGE not in sites.there.osimages


def test_nothing_is_copied_before_the_signature_is_good(
    sites: Sites, signed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    believe(sites)
    monkeypatch.setattr(Catalog, "staging", lambda *_words: pytest.fail("something was copied"))
    forged = {OF_BUNDLE[1]: texts_of(signed)[OF_VERSION[1]]}
    with pytest.raises(BuildError, match=r"the signature of rewritten\.tar is wrong"):
        import_image(sites.there, rewritten(signed, with_texts(forged)))


def test_a_bundle_that_is_called_sealed_has_a_seal(sites: Sites, signed: Path) -> None:
    for name in OF_BUNDLE:
        with pytest.raises(BuildError, match=f"it has no {name} where a bundle has it"):
            import_image(
                sites.there,
                rewritten(signed, lambda info, content, gone=name: [] if info.name == gone else [(info, content)]),
            )
    assert Catalog(sites.there).versions() == []


def test_a_site_that_knows_keys_asks_for_one_of_them(sites: Sites, signed: Path) -> None:
    keys.make(sites.there)
    before = everything(sites.there)
    with pytest.raises(BuildError, match=r"signed\.tar is signed with the key .* not known here"):
        import_image(sites.there, signed)
    with pytest.raises(BuildError, match=r"rewritten\.tar is not signed"):
        import_image(sites.there, rewritten(signed, without(*OF_BUNDLE, *OF_VERSION)))
    assert everything(sites.there) == before
    assert Catalog(sites.there).versions() == []
    assert import_image(sites.there, signed, unsigned=True)["digest"]


def test_an_older_bundle_brings_a_signed_version_alone(sites: Sites, unsealed: Path) -> None:
    believe(sites)
    before = everything(sites.there)
    with pytest.raises(BuildError, match=r"only the version in unsealed\.tar is signed, but not its definition"):
        import_image(sites.there, unsealed)
    assert everything(sites.there) == before and IMAGE not in sites.there.osimages
    sites.there.set("osimage", IMAGE, osvers="debian12", imagetype="linux")
    with pytest.raises(BuildError, match="only the version"):
        import_image(sites.there, unsealed, force=True)
    done = import_image(sites.there, unsealed, keep=True)
    assert done["laid"] == [] and done["remarks"][0].startswith("the version was signed by here ")
    assert done["remarks"][1:] == ["its definition and lists are not signed, so look at them"]
    assert import_image(sites.there, unsealed, force=True, unsigned=True)["laid"]
    assert import_image(sites.there, unsealed)["laid"] == [], "all of it is here already"


def test_who_exported_it_vouches_for_what_another_has_signed(sites: Sites, signed: Path, tmp_path: Path) -> None:
    believe(sites)
    import_image(sites.there, signed)
    keys.make(sites.there)
    onward = export_image(sites.there, f"{IMAGE}@candidate", tmp_path / "onward.tar")["file"]
    with Site.open(tmp_path / "third") as third:
        further = Sites(sites.there, third)
        key = believe(further, name="middle")
        version, whole = import_image(third, onward)["remarks"][:2]
        assert "not known here" in version and whole.startswith(
            f"version, definition and lists were signed by middle {key}"
        )
    with Site.open(tmp_path / "fourth") as fourth:
        believe(Sites(sites.here, fourth), name="first")
        with pytest.raises(BuildError, match=f"signed with the key {key}, which is not known here"):
            import_image(fourth, onward)
        fourth.set("osimage", IMAGE, osvers="debian12", imagetype="linux")
        assert import_image(fourth, onward, keep=True)["remarks"][0].startswith("the version was signed by first ")


def test_that_a_version_is_here_lets_no_definition_in(sites: Sites, signed: Path) -> None:
    """Its image.json and its signature are served to everybody, so anybody can make a bundle of them."""
    publish(sites.there, b"hsqs" + bytes(range(256)) * 1000, IMAGE)
    believe(sites)
    for names in (OF_BUNDLE, (*OF_BUNDLE, *OF_VERSION)):
        bundle = rewritten(signed, without(*names))
        with pytest.raises(BuildError, match=r"rewritten\.tar is"):
            import_image(sites.there, bundle, allow_older=True)
        assert IMAGE not in sites.there.osimages
    done = import_image(sites.there, bundle, unsigned=True)
    assert done["there"] and IMAGE in sites.there.osimages


def test_a_wrong_signature_is_refused_whatever_is_asked_for(sites: Sites, signed: Path) -> None:
    believe(sites)
    sums = texts_of(signed)[OF_VERSION[0]].replace(b"kernel", b"kernal")
    for change in (with_texts({OF_VERSION[0]: sums}), without(*OF_BUNDLE)):
        signed = rewritten(signed, change).rename(signed.with_name("forged.tar"))
    with pytest.raises(BuildError, match=r"the signature of forged\.tar is wrong"):
        import_image(sites.there, signed, unsigned=True)
    assert Catalog(sites.there).versions() == []
    assert IMAGE not in sites.there.osimages
    assert leftovers(sites.there.catalog) == []


def test_the_signature_of_another_version_is_refused(sites: Sites, unsealed: Path, tmp_path: Path) -> None:
    believe(sites)
    signatures.sign(sites.here, publish(sites.here, b"hsqs another", IMAGE))
    other = texts_of(Path(export_image(sites.here, IMAGE, tmp_path / "other.tar")["file"]))
    mixed = rewritten(unsealed, with_texts({name: other[name] for name in OF_VERSION}))
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


def test_under_another_name_it_has_no_signature_of_its_own(sites: Sites, signed: Path) -> None:
    believe(sites)
    done = import_image(sites.there, signed, name="two")
    assert "were signed by here" in done["remarks"][1]
    assert verify_image(sites.there, Catalog(sites.there).get(done["digest"]))[-1] == "not signed"


def test_an_archive_for_containers_is_signed_as_the_bundle_in_it(sites: Sites, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (tmp_path / "tree/etc").mkdir(parents=True)
    shutil.make_archive(str(root), "gztar", tmp_path / "tree")
    signatures.sign(
        sites.here, publish(sites.here, root.with_name("root.tar.gz").read_bytes(), IMAGE, root_name="root.tar.gz")
    )
    done = export_image(sites.here, IMAGE, tmp_path / "lab.oci.tar", kind=OCI)
    assert "the layers that containers see are not" in done["remarks"][-1]
    believe(sites)
    assert "definition and lists were signed by here" in import_image(sites.there, done["file"])["remarks"][1]


def test_a_bundle_of_xcat_is_never_signed(sites: Sites, tmp_path: Path) -> None:
    assert sites.version
    done = export_image(sites.here, IMAGE, tmp_path / "lab.tgz", kind=XCAT)
    assert done["remarks"][-1] == "nothing in it is signed: bundles of xCAT have no place for that"
    believe(sites)
    before = everything(sites.there)
    with pytest.raises(BuildError, match=r"lab\.tgz is not signed, and this site knows keys"):
        import_image(sites.there, done["file"])
    assert everything(sites.there) == before


def two_versions(sites: Sites, tmp_path: Path) -> tuple[Path, Path]:
    """Bundles of a version and of one that is two days younger."""
    bundles = []
    for number, content in enumerate((b"hsqs old", b"hsqs new")):
        publish(sites.here, content, IMAGE)
        if number == 0:
            age(sites.here, IMAGE, 2)
        signatures.sign(sites.here, Catalog(sites.here).current(IMAGE))
        bundles.append(Path(export_image(sites.here, IMAGE, tmp_path / f"{number}.tar")["file"]))
    return bundles[0], bundles[1]


def test_an_older_version_does_not_take_the_place_of_a_newer_one(sites: Sites, tmp_path: Path) -> None:
    old, new = two_versions(sites, tmp_path)
    believe(sites)
    for bundle in (old, new, new):
        import_image(sites.there, bundle, promote=True)
    newest = Catalog(sites.there).pointers(IMAGE)
    for promote in (False, True):
        with pytest.raises(
            BuildError, match=r"lab@.* is of \d{4}-.* and older than lab@.*, which is here\n  --allow-older"
        ):
            import_image(sites.there, old, promote=promote, unsigned=True)
    assert Catalog(sites.there).pointers(IMAGE) == newest
    done = import_image(sites.there, old, allow_older=True)
    assert (done["there"], done["current"]) == (True, newest.current)
    assert Catalog(sites.there).pointers(IMAGE).candidate == done["digest"]


def test_nobody_can_make_an_old_version_young(sites: Sites, tmp_path: Path) -> None:
    """Its time is no part of its digest, but of both signatures."""
    old, new = two_versions(sites, tmp_path)
    believe(sites)
    import_image(sites.there, new)
    for names in ((), OF_BUNDLE):
        texts = texts_of(old)
        image = json.loads(texts[f"{PLACE}/image.json"])
        image["created"] += 10 * 86400
        texts[f"{PLACE}/image.json"] = as_json(image)
        said = json.loads(texts[f"{PLACE}/bundle.json"])
        texts[f"{PLACE}/bundle.json"] = as_json(summed({**said, "image.json": facts_of(as_json(image)).sha256}))
        young = rewritten(
            rewritten(old, with_texts(texts)).rename(tmp_path / "young.tar"),
            without(*names) if names else with_texts({}),
        )
        with pytest.raises(BuildError, match=r"is of other members|is of another image"):
            import_image(sites.there, young, keep=True, unsigned=True)


def test_a_signature_without_a_time_is_older_than_those_with_one(
    sites: Sites, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else somebody could give any time to a version from before signatures had one."""
    version = publish(sites.here, b"hsqs undated", IMAGE)
    with monkeypatch.context() as before:
        before.setattr(signatures, "sums", signatures._files)
        signatures.sign(sites.here, version)
    undated = rewritten(Path(export_image(sites.here, IMAGE, tmp_path / "x.tar")["file"]), without(*OF_BUNDLE))
    undated = undated.rename(tmp_path / "undated.tar")
    believe(sites)
    sites.there.set("osimage", IMAGE, osvers="debian12", imagetype="linux")
    assert import_image(sites.there, undated, keep=True)["digest"], "as long as nothing here has a time"
    Catalog(sites.there).promote(f"{IMAGE}@candidate")
    dated = publish(sites.here, b"hsqs dated", IMAGE)
    signatures.sign(sites.here, dated)
    import_image(sites.there, export_image(sites.here, IMAGE, tmp_path / "dated.tar")["file"], keep=True)
    texts = texts_of(undated)
    image = {**json.loads(texts[f"{PLACE}/image.json"]), "created": dated.created + 1}
    said = {**json.loads(texts[f"{PLACE}/bundle.json"]), "image.json": facts_of(as_json(image)).sha256}
    young = with_texts({f"{PLACE}/image.json": as_json(image), f"{PLACE}/bundle.json": as_json(summed(said))})
    with pytest.raises(BuildError, match="does not say when it was published, as those here do"):
        import_image(sites.there, rewritten(undated, young), keep=True)
    assert import_image(sites.there, undated, keep=True, allow_older=True)["there"]


def test_a_key_that_others_may_read_signs_no_bundle(sites: Sites, tmp_path: Path) -> None:
    assert sites.version
    (sites.here.root / "keys/sign.key").chmod(0o644)
    with pytest.raises(SbkernelError, match="others may read or write the secret key"):
        export_image(sites.here, IMAGE, tmp_path / "x.tar")
    assert not list(tmp_path.glob("*.tar"))

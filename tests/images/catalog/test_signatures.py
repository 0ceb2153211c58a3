"""Keys of a site, and who signed a version: real minisign."""

import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from smallimage import age, publish

from sbkernel.errors import BuildError, DefinitionError, NotFoundError, SbkernelError
from sbkernel.images.catalog import keys, signatures
from sbkernel.images.catalog.catalog import Catalog
from sbkernel.images.catalog.version import ImageVersion
from sbkernel.images.verifyimage import verify_image
from sbkernel.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site.open(tmp_path / "site")


@pytest.fixture
def signed(site: Site) -> ImageVersion:
    keys.make(site)
    version = publish(site, b"root", "mine")
    signatures.sign(site, version)
    return version


def sb(site: Site, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "sbkernel.cli", "--site", str(site.root), *words]
    return subprocess.run(argv, input=given, capture_output=True, text=True, timeout=60)


def files(version: ImageVersion) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in version.dir.iterdir()}


def test_the_secret_key_is_closed_and_never_shown(site: Site) -> None:
    before = os.umask(0)
    try:
        made = sb(site, "keys", "make")
    finally:
        os.umask(before)
    home = site.root / "keys"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (home, home / "sign.key")] == [0o700, 0o600]
    secret = (home / "sign.key").read_text().splitlines()[1]
    shown, listed, again = sb(site, "keys", "show"), sb(site, "keys", "ls"), sb(site, "keys", "make")
    key = keys.own(site)
    assert key and key.id in made.stdout and shown.stdout == (home / "sign.pub").read_text() == key.text
    assert listed.stdout.splitlines() == ["KEY   ID", f"site  {key.id}"]
    assert again.returncode == 1 and f"Error: the site has a key: {key.id}" in again.stderr
    assert not any(secret in done.stdout + done.stderr for done in (made, shown, listed, again))
    assert sorted(path.name for path in home.iterdir()) == [".lock", "sign.key", "sign.pub"]


def test_a_secret_key_that_others_may_read_signs_nothing(site: Site) -> None:
    keys.make(site)
    file = site.root / "keys/sign.key"
    file.chmod(0o640)
    with pytest.raises(SbkernelError, match=f"others may read or write the secret key .*640.*\n  chmod 600 {file}"):
        signatures.signer(site)


def test_without_a_key_nothing_is_signed(site: Site) -> None:
    version = publish(site, b"root", "mine")
    assert signatures.signer(site) is None and verify_image(site, version)[-1] == "not signed"
    with pytest.raises(NotFoundError, match="the site has no key to sign with\n  sb keys make"):
        signatures.sign(site, version)
    with pytest.raises(NotFoundError, match="is not signed"):
        signatures.check(version, keys.known(site))
    shown = sb(site, "keys", "show")
    assert (shown.returncode, shown.stderr) == (1, "Error: the site has no key\n  sb keys make\n")


def test_what_was_signed_is_who_and_what(site: Site, signed: ImageVersion) -> None:
    found = signatures.check(signed, keys.known(site))
    assert (found.key, found.comment.split()[:3]) == ("site", ["mine", "signed", "by"])
    text = (signed.dir / "sums").read_text().splitlines()
    assert text[0] == f"image {signed.digest}" and text[1] == f"root root.squashfs {signed.root_sha256} 4 -"
    names = [["file", name] for name in ("initrd", "kernel", "manifest.json")]
    assert [line.split()[:2] for line in text[2:]] == [*names, ["published", str(int(signed.created))]]
    before = files(signed)
    signatures.sign(site, signed)
    assert files(signed).keys() == before.keys() and files(signed)["sums"] == before["sums"]
    assert {stat.S_IMODE((signed.dir / name).stat().st_mode) for name in ("sums", "sums.sig")} == {0o644}


def test_roots_stand_in_the_order_of_mounting(site: Site) -> None:
    version = publish(site, b"root", "mine", roots=["root.squashfs", "zz.squashfs", "aa.squashfs"])
    lines = signatures.sums(version).splitlines()
    assert [line.split()[1] for line in lines if line.startswith("root ")] == [root.name for root in version.roots]


@pytest.mark.parametrize("name", ["image.json", "sums", "sums.sig", "root.squashfs", "kernel"])
def test_a_changed_byte_is_found(site: Site, signed: ImageVersion, name: str) -> None:
    file = signed.dir / name
    text = file.read_bytes()
    place = text.index(b"comment: mine") + 10 if name == "sums.sig" else len(text) // 2
    file.write_bytes(text[:place] + bytes([text[place] ^ 1]) + text[place + 1 :])
    done = sb(site, "verify-image", "mine")
    assert done.returncode == 1 and "Error: " in done.stderr, done
    if name.startswith("sums"):
        assert sb(site, "images", "mine").stdout.splitlines()[1].split()[4] == "WRONG"


def test_a_good_version_is_said_to_be_so(site: Site, signed: ImageVersion) -> None:
    lines = sb(site, "verify-image", "mine").stdout.splitlines()
    key = keys.known(site)[0].id
    assert lines[0].endswith(": 4 files as published") and lines[2].startswith(f"signed by site {key}: mine signed by ")
    assert json.loads(sb(site, "images", "mine", "--format", "json").stdout)[0]["signed"] == "site"


def test_a_signature_of_another_version_is_refused(site: Site, signed: ImageVersion) -> None:
    other = publish(site, b"other", "mine")
    for name in ("sums", "sums.sig"):
        shutil.copy(signed.dir / name, other.dir / name)
    with pytest.raises(BuildError, match="is of another image"):
        signatures.check(other, keys.known(site))


def test_sums_with_other_ends_of_lines_are_not_what_was_signed(site: Site, signed: ImageVersion) -> None:
    """A node refuses them, so verify-image does."""
    file = signed.dir / "sums"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    with pytest.raises(BuildError, match="is wrong"):
        signatures.check(signed, keys.known(site))


def test_a_key_that_is_no_text_is_refused(site: Site, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    done = sb(site, "keys", "add", "other", str(tmp_path / "binary"))
    assert (done.returncode, done.stderr.splitlines()[0]) == (1, "Error: key other: no public key of minisign")


def test_only_a_known_key_is_believed(site: Site, signed: ImageVersion, tmp_path: Path) -> None:
    other = Site.open(tmp_path / "other")
    own = keys.make(other)
    with pytest.raises(BuildError, match="which is not known here\n  sb keys add NAME FILE"):
        signatures.check(signed, keys.known(other))
    assert signatures.told(signed, [own]) == "unknown key"
    public = sb(site, "keys", "show").stdout
    assert sb(other, "keys", "add", "head", "-", given=public).stdout == f"head: {keys.known(site)[0].id}\n"
    assert signatures.check(signed, keys.known(other)).key == "head"
    assert [key.name for key in keys.known(other)] == ["site", "head"]


@pytest.mark.parametrize("text", ["", "text", "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO", "é\n"])
def test_what_is_no_key_is_not_believed(site: Site, text: str) -> None:
    with pytest.raises(DefinitionError, match="key x: no public key of minisign"):
        keys.add(site, "x", text)
    for name in ("../x", "site", ".x"):
        with pytest.raises(DefinitionError):
            keys.add(site, name, keys.make(site).text if keys.own(site) is None else keys.known(site)[0].text)
    assert [key.name for key in keys.known(site)] == ["site"]


def test_a_version_whose_nodes_ask_for_a_signature_is_bad_without(site: Site) -> None:
    publish(site, b"root", "mine", key="4B87C59320B2449A")
    done = sb(site, "verify-image", "mine")
    assert done.returncode == 1 and "is not signed" in done.stderr
    assert Catalog(site).current("mine").key == "4B87C59320B2449A"


def test_a_signature_from_before_it_said_when_is_as_good(site: Site, signed: ImageVersion, tmp_path: Path) -> None:
    text = tmp_path / "sums"
    text.write_text("".join(line for line in signatures.sums(signed).splitlines(True) if "published" not in line))
    argv = ["minisign", "-S", "-s", site.root / "keys/sign.key", "-m", text, "-x", tmp_path / "sums.sig"]
    subprocess.run(argv, check=True, capture_output=True)
    for name in ("sums", "sums.sig"):
        shutil.copy(tmp_path / name, signed.dir / name)
    assert signatures.check(signed, keys.known(site)).key == "site"
    assert not signatures.dates(signatures.read(signed))


def test_when_it_was_published_is_signed(site: Site, signed: ImageVersion) -> None:
    file = signed.dir / "image.json"
    file.write_text(json.dumps({**signed.data, "created": signed.created + 86400}))
    with pytest.raises(BuildError, match="is of another image"):
        signatures.check(Catalog(site).get(signed.digest), keys.known(site))


def test_that_there_is_a_newer_one_is_said(site: Site, signed: ImageVersion) -> None:
    newer = publish(site, b"newer", "mine")
    age(site, "mine", 2)
    last = publish(site, b"last", "mine")
    assert f"; mine@{last.digest[:8]} is newer: " in verify_image(site, Catalog(site).get(newer.digest))[-2]
    assert verify_image(site, last)[-2].startswith("published ") and "newer" not in verify_image(site, last)[-2]

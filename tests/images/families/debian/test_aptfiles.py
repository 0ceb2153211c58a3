"""What a node gets of the sources of an image: addresses that it can reach, keys where it finds them."""

from pathlib import Path

import pytest

from sbkernel.images.families.debian import aptfiles
from sbkernel.images.families.debian.install import preload
from sbkernel.images.families.debian.sources import AptSource
from sbkernel.images.families.resolved import Resolved

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


def source(signed_by: str, uri: str = "http://m") -> AptSource:
    return AptSource(uri, "bookworm", ("main",), (("Signed-By", signed_by),))


def test_keys_of_the_site_get_a_place_of_their_own(tmp_path: Path) -> None:
    one, two, local = (tmp_path / name for name in ("one.asc", "two.gpg", "local.asc"))
    for key in (one, two, local):
        key.write_text(key.name)
    text = "\n-----BEGIN PGP PUBLIC KEY BLOCK-----\n/no/path"
    chosen = [
        source(f"{one} {KEYRING}"), source(str(two), "http://n"), source(str(one), "http://o"), source(text),
        source(str(local), "copy:/srv"),
    ]  # fmt: skip
    laid = aptfiles.laid(chosen)
    listed = laid.pop("etc/apt/sources.list.d/image.sources").decode()
    assert laid == {"etc/apt/keyrings/image-1.asc": b"one.asc", "etc/apt/keyrings/image-2.gpg": b"two.gpg"}
    assert str(tmp_path) not in listed and "copy:" not in listed
    assert f"Signed-By: /etc/apt/keyrings/image-1.asc {KEYRING}\n" in listed
    assert "URIs: http://o\nSuites: bookworm\nComponents: main\nSigned-By: /etc/apt/keyrings/image-1.asc\n" in listed
    assert " /no/path\n" in listed
    assert list(aptfiles.laid_if_missing(chosen)) == [KEYRING.lstrip("/")]


@pytest.mark.parametrize(("version", "usable"), [("2.31-13+deb11u14", False), ("2.36-9+deb12u14", True), ("3-1", True)])
def test_a_library_of_this_host_is_used_where_the_c_library_is_new_enough(version: str, usable: bool) -> None:
    libc = Resolved("libc6", version, "amd64", 1, "")
    assert (preload("x86_64", [libc]) is not None) == usable
    assert preload("s390x", [libc]) is None
    assert preload("x86_64", []) is None

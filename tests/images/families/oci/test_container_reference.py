"""The entry of pkgdir that is a container image."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.errors import DefinitionError
from sbkernel.images.families.oci.reference import parse
from sbkernel.images.families.places import is_container, places

WORD = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8)
PATH = st.lists(st.text(string.ascii_letters + " -_.é", min_size=1, max_size=8).map(lambda t: f"x{t}x"), min_size=1)


@given(st.sampled_from(["oci", "oci-archive", "docker-archive"]), PATH, st.just("") | WORD, st.booleans())
def test_a_local_one_is_read_as_it_was_written(kind: str, parts: list[str], tag: str, free: bool) -> None:
    text = f"{kind}:/{'/'.join(parts)}" + (f":{tag}" if tag else "")
    found = parse(text + (" gpgcheck=0" if free else ""))
    assert (str(found), found.check, found.remote) == (text, not free, False)
    assert is_container(text)


@given(WORD, st.lists(WORD, min_size=1, max_size=3), st.just("") | WORD, st.booleans())
def test_one_of_a_registry(host: str, names: list[str], tag: str, free: bool) -> None:
    text = f"docker://{host}:5000/{'/'.join(names)}" + (f":{tag}" if tag else "")
    found = parse(text + (" tlsverify=0" if free else ""))
    assert (str(found), found.tls, found.remote) == (text, not free, True)
    digest = "sha256:" + "0" * 64
    assert found.at(digest) == f"docker://{host}:5000/{'/'.join(names)}@{digest}"
    assert parse(found.at(digest)).at(digest) == found.at(digest)


@given(st.text(max_size=40))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    for transport in ("oci", "docker"):
        try:
            found = parse(f"{transport}:{text}")
        except DefinitionError as error:
            assert error.hint
        else:
            assert str(found).isprintable()


@pytest.mark.parametrize(("entry", "said"), [
    ("oci:relative", "the full path"),
    ("oci:/a/../b", "the full path"),
    ("oci:/a:b:c:d", "cannot hold a colon"),
    ("oci:/a tlsverify=0", "not for oci:"),
    ("oci:/a gpgkey=/k", "policy.json"),
    ("docker://h/n:t tlsverify=no", "neither 0 nor 1"),
    ("docker://h", "docker://HOST/NAME:TAG"),
    ("docker:h/n", "docker://HOST/NAME:TAG"),
    ("docker://u:secret@h/n", "skopeo login"),
])  # fmt: skip
def test_what_is_wrong_comes_with_a_remedy(entry: str, said: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        parse(entry)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_second_container_is_no_package_source() -> None:
    with pytest.raises(DefinitionError, match="no package source"):
        list(places("/a,oci:/b", "pkgdir"))

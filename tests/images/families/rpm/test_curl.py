"""How packages are fetched: the host's way to mirrors, and what curl is told."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.errors import BuildError
from sbkernel.images.families.resolved import Resolved
from sbkernel.images.families.rpm.download import config, file_name
from sbkernel.images.families.rpm.network import settings
from sbkernel.images.families.rpm.records import resolved

TOOL = Resolved("tool", "3:1.0-1", "x86_64", 1, "0" * 64, "http://mirror.invalid/a b/tool.rpm")


def test_the_proxy_of_the_hosts_dnf_is_taken_and_nothing_else(tmp_path: Path) -> None:
    conf = tmp_path / "dnf.conf"
    conf.write_text("[main]\ngpgcheck=1\nproxy=http://p:3128\nproxy_username=me\nproxy_password=a%b\nkeepcache=1\n")
    found = settings(conf)
    assert found == {"proxy": "http://p:3128", "proxy_username": "me", "proxy_password": "a%b"}
    told = config([(TOOL, Path("/x/tool.rpm"))], found).splitlines()
    assert told == [
        'proxy = "http://p:3128"', 'proxy-user = "me:a%b"',
        'url = "http://mirror.invalid/a b/tool.rpm"', 'output = "/x/tool.rpm"',
    ]  # fmt: skip
    assert settings(tmp_path / "none") == {}
    conf.write_text("no ini\n")
    assert settings(conf) == {}


def test_the_epoch_is_no_part_of_a_files_name() -> None:
    assert file_name(TOOL) == "tool-1.0-1.x86_64.rpm"


ROW = {
    "name": "tool", "version": "3:1.0-1", "arch": "x86_64", "sum": "0" * 64, "download": 1, "repository": "BaseOS",
    "uri": "http://mirror.invalid/tool.rpm",
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "../tool"), ("name", "a/b"), ("name", ".new-x"), ("name", "-o"), ("name", ""), ("name", 'a"b'),
        ("version", "1/../..-1"), ("arch", "x\n"), ("uri", 'http://x/a\noutput = "/etc/passwd"'), ("uri", ""),
        ("sum", "0" * 63), ("sum", "../" + "0" * 61),
    ],
)  # fmt: skip
def test_a_hostile_index_makes_no_file_elsewhere(key: str, value: str) -> None:
    assert resolved(ROW).name == "tool"
    with pytest.raises(BuildError, match="the repository BaseOS"):
        resolved({**ROW, key: value})


@given(st.text(max_size=20), st.text(max_size=20))
def test_whatever_an_index_holds_is_a_file_in_the_cache_or_refused(name: str, version: str) -> None:
    try:
        package = resolved({**ROW, "name": name, "version": version})
    except BuildError:
        return
    file = Path("/cache") / file_name(package)
    assert file.parent == Path("/cache") and not file.name.startswith((".", "-"))
    assert len(config([(package, file)], {}).splitlines()) == 2

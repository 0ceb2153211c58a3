"""What apt and dpkg say, as they say it."""

from hypothesis import given
from hypothesis import strategies as st

from sbkernel.images.families.debian import configuration
from sbkernel.images.families.debian.output import (
    PackageCounter,
    archive_name,
    is_untrusted,
    solution,
    unknown_packages,
)
from sbkernel.images.families.resolved import Resolved


def test_solution_is_sorted_and_exact() -> None:
    digest = "ab" * 32
    lines = [
        "Reading package lists...",
        f"'http://m/pool/u/udev_1%3a2%2bb.deb' udev_1%3a2+b_amd64.deb 1504 SHA256:{digest}",
        "'copy:/srv/own_1_all.deb' own_1_all.deb 12 ",
    ]
    own, udev = solution(lines)
    assert (str(own), own.sha256) == ("own=1:all", "")
    assert udev == Resolved("udev", "1:2+b", "amd64", 1504, digest)
    assert archive_name(udev) == "udev_1%3a2+b_amd64.deb"


def test_unknown_packages_of_all_three_kinds() -> None:
    text = (
        "E: Unable to locate package vmi\nE: Package 'mta' has no installation candidate\n"
        "E: Version '9' for 'vim' was not found\n"
    )
    assert unknown_packages(text) == ["vmi", "mta", "vim"]


def test_trust_is_told_from_reach() -> None:
    assert is_untrusted(
        "W: GPG error: http://m x InRelease: The following signatures couldn't be verified: NO_PUBKEY 0E"
    )
    assert is_untrusted("E: Failed to fetch http://m/Packages  Hash Sum mismatch")
    assert not is_untrusted("W: Failed to fetch http://m/InRelease  Could not connect to m:80 - connect (111: refused)")


@given(st.lists(st.sampled_from(["Unpacking a (1) ...", "Setting up a (1) ...", "Unpacking b:amd64 (2) ...", "noise"])))
def test_the_count_of_packages_never_falls_nor_passes_the_total(lines: list[str]) -> None:
    counter = PackageCounter(2)
    seen = []
    for line in lines:
        assert (counter.feed(line) is None) == (line == "noise")
        seen.append(counter.done)
    assert seen == sorted(seen)
    assert max(seen, default=0) <= 1


def test_what_dpkg_does_now() -> None:
    assert PackageCounter(9).feed("Setting up libc6:amd64 (2.36-9) ...") == "setting up libc6"


def test_only_the_way_to_the_network_is_taken_from_the_host() -> None:
    dump = (
        'Acquire::http::Proxy "http://proxy:3128";\nAcquire::https::CaInfo "/ca.pem";\nAcquire::GzipIndexes "true";\n'
        'Acquire::IndexTargets::deb::DEP-11 "";\nAcquire::AllowInsecureRepositories "1";\n'
        'DPkg::Post-Invoke:: "rm -rf x";\nAPT::Install-Recommends "1";\nDir::Cache::pkgcache "";\n'
    )
    assert configuration.network_settings(dump) == (
        'Acquire::http::Proxy "http://proxy:3128";\nAcquire::https::CaInfo "/ca.pem";\n'
    )

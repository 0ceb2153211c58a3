"""The console of a booting node, in whatever pieces it arrives: stages, proof, a bad end."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.bench.boot import Boot, boot_row, booted, described_costs, same_root
from sbkernel.bench.console import ConsoleBoot, Proof

DIGEST = "ab" * 32
DRACUT = (
    b"iPXE 1.21.1\r\n[    0.000000] Linux version 6.1.0-31-amd64 (gcc-12)\r\n"
    b"Welcome to \x1b[1mDebian GNU/Linux 12 (bookworm) dracut-059-4 (Initramfs)\x1b[0m!\r\n"
)
ROOT = b"[    9.1] systemd[1]: up\r\nWelcome to \x1b[1mDebian GNU/Linux 12 (bookworm)\x1b[0m!\r\n"
PROMPT = b"\r\nDebian GNU/Linux 12 localhost ttyS0\r\n\r\nlocalhost login: "
_SAID = f"bench-proof os-release={DIGEST} packages={DIGEST} kernel=6.1.0-31-amd64 root=overlayfs memory=99 read=7 end"
PROOF = f"{_SAID}\r\n".encode()


def test_every_stage_is_seen_once_at_its_time() -> None:
    boot = ConsoleBoot()
    for now, data in enumerate([DRACUT, ROOT, PROMPT, PROOF, ROOT, PROMPT]):
        assert boot.done == (now > 3)
        boot.feed(data, float(now))
    assert boot.seen == {"kernel": 0.0, "userspace": 1.0, "login": 2.0}
    assert boot.proof == Proof(DIGEST, DIGEST, "6.1.0-31-amd64", "overlayfs", 99, 7)


def test_the_greeting_of_an_initrd_is_not_that_of_the_root() -> None:
    boot = ConsoleBoot()
    boot.feed(DRACUT, 0.0)
    assert "userspace" not in boot.seen


@given(cuts=st.lists(st.integers(0, len(DRACUT + ROOT + PROMPT + PROOF)), max_size=30))
def test_it_does_not_matter_where_the_bytes_are_cut(cuts: list[int]) -> None:
    data, boot = DRACUT + ROOT + PROMPT + PROOF, ConsoleBoot()
    places = [0, *sorted(cuts), len(data)]
    for start, stop in itertools.pairwise(places):
        boot.feed(data[start:stop], 1.0)
    assert boot.done
    assert set(boot.seen) == {"kernel", "userspace", "login"}


def test_a_proof_that_was_written_into_does_not_count() -> None:
    boot = ConsoleBoot()
    boot.feed(PROOF.replace(b"packages=ab", b"packages=[ 12.3] eth0: up\r\nab"), 0.0)
    assert boot.proof is None
    boot.feed(PROOF, 1.0)
    assert boot.proof is not None


def test_a_panic_ends_the_boot() -> None:
    boot = ConsoleBoot()
    boot.feed(b"[    3.0] Kernel panic - not syncing: no root\r\n", 0.0)
    assert "panic" in boot.failure


def test_a_boot_without_every_stage_or_its_proof_is_none() -> None:
    console = ConsoleBoot()
    console.feed(DRACUT + ROOT + PROMPT, 9.0)
    events = [{"t": 3.0, "stage": "power-on"}, {"t": 4.0, "stage": "ipxe"}, {"t": 5.0, "stage": "ipxe"}]
    with pytest.raises(ValueError, match="the report of what it runs"):
        booted(2.0, console, events)
    console.feed(PROOF, 9.5)
    assert booted(2.0, console, events).parts == [2.0, 5.0, 0.0, 0.0]
    with pytest.raises(ValueError, match="ipxe"):
        booted(2.0, console, [])
    console.feed(b"[   30.1] Kernel panic - not syncing: attempted to kill init\r\n", 10.0)
    with pytest.raises(ValueError, match="panic"):
        booted(2.0, console, events)


def a_boot(login: float, packages: str = DIGEST) -> Boot:
    reached = {"power-on": 0.0, "ipxe": 4.0, "kernel": 6.0, "userspace": login - 20, "login": login}
    return Boot(reached, Proof(DIGEST, packages, "6.1.0", "overlayfs"))


def test_boots_are_split_by_stage() -> None:
    row = boot_row([a_boot(40.0)], [a_boot(80.0)])
    assert row.ratio == 0.5
    assert [(part.ours_s, part.peer_s) for part in row.parts] == [(4, 4), (2, 2), (14, 54), (20, 20)]
    assert sum(part.ours_s for part in row.parts) == row.ours_s[0]


@pytest.mark.parametrize("other", ["cd" * 32, ""])
def test_boots_of_different_roots_are_not_compared(other: str) -> None:
    row = boot_row([a_boot(40.0)], [a_boot(80.0, other)])
    assert row.ratio is None
    assert not row.valid


def test_one_boot_of_several_into_another_root_is_found() -> None:
    proofs = [a_boot(1.0).proof, a_boot(1.0, "cd" * 32).proof]
    assert not all(check.ok for check in same_root(proofs, [proofs[0]]))


def test_each_kind_of_root_has_a_row_whose_root_must_be_of_that_kind() -> None:
    assert (boot_row([a_boot(40.0)], [a_boot(80.0)]).name, boot_row([a_boot(40.0)], [a_boot(80.0)]).met) == (
        "boot",
        True,
    )
    lazy, unpacked = (boot_row([a_boot(40.0)], [a_boot(80.0)], kind=kind) for kind in ("lazy", "tmpfs"))
    assert (lazy.name, lazy.valid, lazy.met) == ("boot-lazy", True, None)
    assert not unpacked.valid


def test_what_a_boot_costs_is_said_of_both_sides() -> None:
    proof = Proof(DIGEST, DIGEST, "6.1.0", "overlayfs", memory=200_000_000, read=50_000_000)
    said = described_costs((10_000_000, 150_000_000), [Boot({}, proof)], [Boot({}, replace(proof, memory=400_000_000))])
    assert (
        said
        == "fetched until login: ours 60.0 MB, the peer 150.0 MB; memory in use then: ours 200.0 MB, the peer 400.0 MB"
    )

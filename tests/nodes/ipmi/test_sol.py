"""Serial over LAN as a stream: whatever the network does, bytes arrive once and in order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from sbkernel.nodes.ipmi.chassis import decode_boot, encode_boot
from sbkernel.nodes.ipmi.sol import BREAK, NACK, UNAVAILABLE, SolStream
from sbkernel.nodes.power import BootDevice, BootOverride


@settings(max_examples=200, deadline=None)
@given(
    chunks=st.lists(st.binary(min_size=1, max_size=60), max_size=12),
    fate=st.lists(st.sampled_from(["deliver", "lose", "double"]), max_size=60),
    limit=st.integers(1, 40),
)
def test_bytes_arrive_once_and_in_order(chunks: list[bytes], fate: list[str], limit: int) -> None:
    sender, receiver, got = SolStream(limit), SolStream(), b""
    fates = iter(fate)
    wire = [packet for chunk in chunks for packet in sender.write(chunk)]
    for _ in range(2000):
        if not wire:
            if sender.unacknowledged is None:
                break
            wire = [sender.unacknowledged]
        packet = wire.pop(0)
        what = next(fates, "deliver")
        for _ in range({"deliver": 1, "lose": 0, "double": 2}[what]):
            received = receiver.receive(packet)
            got += received.data
            for reply in received.replies:
                if next(fates, "deliver") != "lose":
                    wire += sender.receive(reply).replies
    assert got == b"".join(chunks)


def test_both_ends_talk_at_once() -> None:
    left, right = SolStream(3), SolStream(3)
    to_right, to_left = left.write(b"abcdefgh"), right.write(b"12345678")
    heard = {"left": b"", "right": b""}
    while to_right or to_left:
        for packet in [to_right.pop(0)] if to_right else []:
            received = right.receive(packet)
            heard["right"] += received.data
            to_left += received.replies
        for packet in [to_left.pop(0)] if to_left else []:
            received = left.receive(packet)
            heard["left"] += received.data
            to_right += received.replies
    assert heard == {"left": b"12345678", "right": b"abcdefgh"}


def test_partial_acceptance_sends_the_rest() -> None:
    stream = SolStream(10)
    first = stream.write(b"0123456789")[0]
    (again,) = stream.receive(bytes((0, first[0], 4, 0))).replies
    assert again[4:] == b"456789"
    assert again[0] != first[0]


def test_refusal_without_power_drops_and_a_plain_nack_keeps() -> None:
    stream = SolStream(10)
    packet = stream.write(b"x")[0]
    stream.receive(bytes((0, packet[0], 0, NACK)))
    assert stream.unacknowledged is packet
    assert stream.receive(bytes((0, packet[0], 0, NACK | UNAVAILABLE))).replies == []
    assert stream.unacknowledged is None


def test_waiting_bytes_are_bounded() -> None:
    stream = SolStream(10, backlog=100)
    stream.write(b"first")
    stream.write(b"a" * 1000 + b"end")
    stream.drop()
    total = b""
    while stream.unacknowledged:
        total += stream.unacknowledged[4:]
        stream.drop()
    assert len(total) == 100
    assert total.endswith(b"end")


def test_break_waits_for_its_turn() -> None:
    stream = SolStream()
    packet = stream.write(b"x")[0]
    assert stream.send_break() == []
    (second,) = stream.receive(bytes((0, packet[0], 1, 0))).replies
    assert second[3] == BREAK


@given(st.binary(max_size=300), st.booleans())
def test_any_packet_is_survived(packet: bytes, accept: bool) -> None:
    SolStream().receive(packet, accept=accept)


@given(st.builds(BootOverride, st.sampled_from(BootDevice), st.booleans(), st.booleans()) | st.none())
def test_boot_flags_round_trip(override: BootOverride | None) -> None:
    assert decode_boot(encode_boot(override)) == override

"""The syslog receiver on real sockets, and the lines it writes."""

from __future__ import annotations

import asyncio
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waiting import until_async

from sbkernel.errors import ServiceError
from sbkernel.service.messages import SyslogReceiver
from sbkernel.service.syslogline import message_line
from sbkernel.site import Site

NOW = datetime(2026, 11, 22, 23, 1, 2, 345000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        (b"<30>Nov 22 23:01:01 vn1 sshd[77]: Server listening", "vn1 sshd[77]: Server listening"),
        (b"<30>2026-11-22T23:01:01.5+00:00 vn1 chronyd: ok", "vn1 chronyd: ok"),
        (b"<165>1 2026-11-22T22:14:15.003Z vn1 app 12 ID47 - hello", "vn1 app[12]: hello"),
        (b'<165>1 - vn1 app - - [a b="x\\]y"][c d="e"] \xef\xbb\xbfhello', "vn1 app: hello"),
        (b"<13>no header at all\n", "127.0.0.9 no header at all"),
        (b"bare words", "127.0.0.9 bare words"),
        (b"<13>Nov 22 23:01:01 vn1 a: two\nlines\x1b[31m", "vn1 a: two#012lines#033[31m"),
    ],
)
def test_lines(sent: bytes, written: str) -> None:
    assert message_line(sent, "127.0.0.9", NOW) == f"2026-11-22T23:01:02.345+00:00 {written}\n"


@given(st.binary(max_size=200))
def test_any_datagram_is_one_line(sent: bytes) -> None:
    line = message_line(sent, "127.0.0.9", NOW)
    assert line.endswith("\n")
    assert line.count("\n") == 1


async def test_udp_and_tcp_in_both_framings(site: Site) -> None:
    receiver = SyslogReceiver(site, ["127.0.0.1"])
    await receiver.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.sendto(b"<13>Nov 22 23:01:01 vn1 t: by udp", ("127.0.0.1", site.syslog_port))
    _, writer = await asyncio.open_connection("127.0.0.1", site.syslog_port)
    counted = b"<13>Nov 22 23:01:01 vn1 t: counted\nwith newline"
    writer.write(b"<13>Nov 22 23:01:01 vn1 t: a line\n" + b"%d %s" % (len(counted), counted) + b"\n<13>no end")
    writer.write_eof()
    await wait_for_lines(site.log / "messages", 4)
    await receiver.stop()
    texts = {line.split(" ", 1)[1] for line in (site.log / "messages").read_text().splitlines()}
    assert texts == {"vn1 t: by udp", "vn1 t: a line", "vn1 t: counted#012with newline", "127.0.0.1 no end"}


async def test_a_log_that_was_rotated_away_is_started_anew(site: Site) -> None:
    receiver = SyslogReceiver(site, ["127.0.0.1"])
    await receiver.start()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.connect(("127.0.0.1", site.syslog_port))
        udp.send(b"one")
        await wait_for_lines(site.log / "messages", 1)
        (site.log / "messages").rename(site.log / "messages.1")
        await until_async(lambda: udp.send(b"two") and (site.log / "messages").exists(), every_s=0.1)
        await wait_for_lines(site.log / "messages", 1)
    await receiver.stop()
    assert "two" in (site.log / "messages").read_text()


async def test_a_stream_that_counts_wrong_ends_alone(site: Site) -> None:
    receiver = SyslogReceiver(site, ["127.0.0.1"])
    await receiver.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", site.syslog_port)
    writer.write(b"99999999 x")
    assert await asyncio.wait_for(reader.read(), 5) == b""
    _, good = await asyncio.open_connection("127.0.0.1", site.syslog_port)
    good.write(b"fine\n")
    await wait_for_lines(site.log / "messages", 1)
    await receiver.stop()


async def test_a_taken_port_says_what_to_type(site: Site) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", site.syslog_port))
        with pytest.raises(ServiceError, match="sb chdef -t site syslogport="):
            await SyslogReceiver(site, ["127.0.0.1"]).start()


async def wait_for_lines(path: Path, count: int) -> None:
    await until_async(lambda: path.exists() and len(path.read_text().splitlines()) >= count)

"""Simulated machines: power, and boots that fetch from and report to a web server; at a thousand times the speed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from waiting import until_async

from sbkernel.netboot.render import render_template
from sbkernel.nodes.power import BootDevice, BootOverride, PowerChange
from sbkernel.nodes.practice.boot import Place, boot
from sbkernel.nodes.practice.machine import PracticeMachine
from sbkernel.nodes.practice.traits import Traits

IMAGE = b"root of the image" * 10000
SPEED = 1000.0
MAC = "02:00:00:00:00:01"
BY_MAC = f"/by-mac/{MAC.replace(':', '-')}.ipxe"


class BootServer:
    """Scripts as nodeset writes them, an image, and what was fetched and posted."""

    def __init__(self) -> None:
        self.fetched: list[str] = []
        self.posts: list[dict[str, str]] = []
        self.hosts: set[str] = set()
        self.more: dict[str, bytes] = {}
        self.ranges: dict[str, list[str]] = {}
        self.script = ""
        self.url = ""

    async def start(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_post("/status", self._post)
        app.router.add_get("/{path:.*}", self._get)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = site.name if ":0" not in site.name else f"http://127.0.0.1:{runner.addresses[0][1]}"
        sha256 = hashlib.sha256(IMAGE).hexdigest()
        server = self.url.removeprefix("http://")
        line = f"NODE=s1 XCAT={server} imgurl={self.url}/root sbkernel.sha256={sha256} sbkernel.size={len(IMAGE)}"
        self.script = (
            "#!ipxe\n# netboot x\nisset ${node} || chain --autofree --replace ../boot.ipxe\nset tries:int32 0\n:load\n"
            f"kernel {self.url}/kernel?node=${{node}} initrd=initrd {line} || goto again\n"
            f"initrd --name initrd {self.url}/initrd?node=${{node}} || goto again\nboot || goto again\n"
        )
        return runner

    async def _get(self, request: web.Request) -> web.Response:
        self.fetched.append(request.path)
        self.hosts.add(str(request.remote))
        self.ranges.setdefault(request.path, []).append(request.headers.get("Range", ""))
        if request.path in self.more:
            return web.Response(body=self.more[request.path])
        if request.path == BY_MAC:
            return web.Response(text=render_template("ipxe/by-mac.ipxe", node="s1", mac=MAC.replace(":", "-")))
        if request.path == "/boot.ipxe":
            return web.Response(text=render_template("ipxe/boot.ipxe"))
        if request.path == "/nodes/s1.ipxe":
            return web.Response(text=self.script)
        if request.path in ("/kernel", "/initrd", "/root"):
            return web.Response(body=IMAGE if request.path == "/root" else b"x" * 99)
        raise web.HTTPNotFound

    async def _post(self, request: web.Request) -> web.Response:
        self.posts.append({key: str(value) for key, value in (await request.post()).items()})
        return web.Response(text="ok")

    @property
    def stages(self) -> list[str]:
        return [post["stage"] for post in self.posts]


@pytest.fixture
async def server() -> AsyncIterator[BootServer]:
    made = BootServer()
    runner = await made.start()
    yield made
    await runner.cleanup()


class Watched:
    """A machine and all that it wrote."""

    def __init__(self, server: BootServer, traits: Traits | None = None, script: str = "") -> None:
        ways = traits or Traits(speed=SPEED)
        place = Place("127.9.8.7", MAC, f"{server.url}{script or BY_MAC}")
        self.written = b""
        self.machine = PracticeMachine("s1", lambda machine: boot(machine, ways, place), ways.speed)
        self.machine.on_serial = self._write

    def _write(self, data: bytes) -> None:
        self.written += data

    async def says(self, words: bytes) -> None:
        await until_async(lambda: words in self.written, seen=lambda: self.written.decode())


async def test_a_boot_fetches_reports_and_ends_at_a_prompt(server: BootServer) -> None:
    node = Watched(server)
    node.machine.control(PowerChange.ON)
    await node.says(b"s1 login: ")
    assert server.fetched == [BY_MAC, "/nodes/s1.ipxe", "/kernel", "/initrd", "/root"]
    assert b"/kernel?node=s1... ok" in node.written and b"/initrd?node=s1... ok" in node.written
    assert server.stages == ["initrd", "fetched", "verified", "mounted", "userspace"]
    assert server.posts[1]["bytes"] == str(len(IMAGE))
    assert server.hosts == {"127.9.8.7"}
    node.written = b""
    node.machine.serial_input(b"root\r")
    assert node.written == b"root\r\ns1 login: "
    node.machine.control(PowerChange.SOFT_OFF)
    await until_async(lambda: not node.machine.power)


async def test_who_begins_at_the_script_of_a_node_learns_by_its_address_which_one_it_is(server: BootServer) -> None:
    node = Watched(server, script="/nodes/s1.ipxe")
    node.machine.control(PowerChange.ON)
    await node.says(b"s1 login: ")
    assert server.fetched[:5] == ["/nodes/s1.ipxe", "/boot.ipxe", BY_MAC, "/nodes/s1.ipxe", "/kernel"]


async def test_scripts_that_lead_to_each_other_come_to_an_end(server: BootServer) -> None:
    server.more[BY_MAC] = b"#!ipxe\nchain ../nodes/s1.ipxe\n"
    node = Watched(server)
    node.machine.control(PowerChange.ON)
    await node.says(b"nothing to boot")
    assert server.fetched == [BY_MAC, "/nodes/s1.ipxe", "/boot.ipxe", BY_MAC]


@pytest.mark.parametrize(
    ("trouble", "stages", "words"),
    [
        ({"stuck": "dhcp"}, [], b"No configuration methods succeeded"),
        ({"stuck": "fetched"}, ["initrd"], b"/root... ok"),
        ({"checksum": True}, ["initrd", "fetched", "failed"], b"its sha256 differs"),
        ({"panic": True}, ["initrd", "fetched", "verified"], b"Kernel panic - not syncing"),
    ],
)
async def test_troubles(server: BootServer, trouble: dict[str, object], stages: list[str], words: bytes) -> None:
    node = Watched(server, Traits(speed=SPEED, **trouble))  # type: ignore[arg-type]
    node.machine.control(PowerChange.ON)
    await node.says(words)
    await until_async(lambda: server.stages == stages)
    assert node.machine.power
    assert b"login:" not in node.written


def kind(server: BootServer, words: str, **more: bytes) -> None:
    """Let the script name a root of another kind, and the server have further files."""
    server.script = server.script.replace("NODE=s1", f"NODE=s1 {words}")
    server.more = {f"/{name}": content for name, content in more.items()}


LAYER = b"a layer" * 1000
LAYER_SHA = hashlib.sha256(LAYER).hexdigest()
LAYERED = f"sbkernel.layer=root.squashfs,{len(LAYER)},{LAYER_SHA}"


async def test_a_root_that_is_read_on_demand_fetches_nothing_before_and_tells_what_was_read(server: BootServer) -> None:
    kind(server, f"sbkernel.root=lazy sbkernel.verity=ab {LAYERED},cd", **{f"{LAYER_SHA}.squashfs": LAYER})
    node = Watched(server, Traits(speed=SPEED, whole=True))
    node.machine.control(PowerChange.ON)
    await node.says(b"s1 login: ")
    fetched, verified, _mounted, up = server.posts[1:]
    assert (fetched["bytes"], verified["verity"]) == ("0", "ab")
    assert 0.2 <= int(up["bytes"]) / len(IMAGE + LAYER) <= 0.3
    assert server.ranges["/root"] == [
        f"bytes=0-{max(65536, int(len(IMAGE) * int(up['bytes']) / len(IMAGE + LAYER))) - 1}"
    ]
    assert server.fetched[-2:] == ["/root", f"/{LAYER_SHA}.squashfs"]
    for traits, words, reason in (
        (Traits(speed=SPEED), "sbkernel.verity=", "read block by block"),
        (Traits(speed=SPEED, checksum=True), "sbkernel.verity=ef", "not the one that was published"),
    ):
        server.script = server.script.replace("sbkernel.verity=ab", words)
        again = Watched(server, traits)
        again.machine.control(PowerChange.ON)
        await again.says(reason.encode())
        server.script = server.script.replace(words, "sbkernel.verity=ab")
    assert server.stages[-4:] == ["initrd", "fetched", "verified", "failed"], "dm-verity finds it when it is read"


async def test_a_root_on_the_disk_is_fetched_once_and_a_new_layer_alone(server: BootServer) -> None:
    kind(server, "sbkernel.root=disk sbkernel.disk=only,gpt,keep,100%:ext4:keep:root+ram")
    node = Watched(server)
    for number, (script, fetched, disk) in enumerate(
        (
            (server.script, len(IMAGE), "made"),
            (server.script, 0, "kept"),
            (server.script.replace("NODE=s1", f"NODE=s1 {LAYERED}"), len(LAYER), "kept"),
            (server.script.replace("gpt,keep", "gpt,wipe"), len(IMAGE), "made"),
        ),
        start=1,
    ):
        server.script, server.more = script, {f"/{LAYER_SHA}.squashfs": LAYER}
        node.written = b""
        node.machine.control(PowerChange.RESET if node.machine.power else PowerChange.ON)
        await node.says(b"s1 login: ")
        posts = server.posts[5 * number - 5 :]
        assert (posts[1]["bytes"], posts[3]["disk"]) == (str(fetched), disk), number
        assert int(posts[4]["memory_used"]) <= 250 << 20, "the root takes no memory"


async def test_memory_is_that_of_the_kind(server: BootServer) -> None:
    unpacked = 900 << 20
    script = server.script
    for words, least in (
        ("", len(IMAGE)), (f"sbkernel.root=tmpfs sbkernel.unpacked={unpacked}", unpacked),
        (f"sbkernel.root=zram sbkernel.unpacked={unpacked}", len(IMAGE)),
    ):  # fmt: skip
        server.script, server.posts = script, []
        kind(server, words)
        node = Watched(server)
        node.machine.control(PowerChange.ON)
        await node.says(b"s1 login: ")
        assert 0 <= int(server.posts[4]["memory_used"]) - least - (150 << 20) <= 100 << 20, words
        assert server.posts[1]["bytes"] == str(len(IMAGE))


@pytest.mark.parametrize("damaged", [False, True])
async def test_a_whole_image_is_summed(server: BootServer, damaged: bool) -> None:
    if damaged:
        server.script = server.script.replace("sbkernel.sha256=", "sbkernel.sha256=0")
    node = Watched(server, Traits(speed=SPEED, whole=True))
    node.machine.control(PowerChange.ON)
    await node.says(b"its sha256 differs" if damaged else b"login: ")


async def test_the_first_of_several_servers(server: BootServer) -> None:
    host = server.url.removeprefix("http://")
    server.script = server.script.replace(f"kernel {server.url}", "kernel --timeout 10000 http://${server}").replace(
        f"initrd --name initrd {server.url}", "initrd --timeout 10000 --name initrd http://${server}"
    )
    server.script = f"#!ipxe\nset server {host}\n{server.script}set server other\n"
    node = Watched(server)
    node.machine.control(PowerChange.ON)
    await node.says(b"s1 login: ")
    assert "/initrd" in server.fetched


async def test_a_server_that_is_away_and_a_script_that_boots_the_disk(server: BootServer) -> None:
    node = Watched(server)
    node.machine._run = lambda machine: boot(
        machine, Traits(speed=SPEED), Place("127.0.0.1", "", "http://127.0.0.1:1/")
    )
    node.machine.control(PowerChange.ON)
    await node.says(b"try 6 of 6")
    await node.says(b"No bootable device.")
    local = Watched(server)
    server.script = "#!ipxe\n# boot\n# 02-00-00-00-00-01 s1: written by nodeset\nexit\n"
    local.machine.control(PowerChange.ON)
    await local.says(b"booting from the local disk")


async def test_a_boot_device_holds_once_unless_persistent(server: BootServer) -> None:
    node = Watched(server)
    node.machine.boot = BootOverride(BootDevice.HARD_DRIVE)
    node.machine.control(PowerChange.ON)
    await node.says(b"No bootable device.")
    assert (node.machine.boot, server.fetched) == (None, [])
    node.machine.control(PowerChange.RESET)
    await node.says(b"login: ")
    node.machine.boot = BootOverride(BootDevice.CD, persistent=True)
    node.machine.control(PowerChange.RESET)
    await until_async(lambda: node.written.count(b"No bootable device.") == 2)
    assert node.machine.boot is not None


async def test_power_is_that_of_a_machine(server: BootServer) -> None:
    node = Watched(server, Traits(speed=0.01))  # it takes a quarter of an hour, so that nothing ends by itself
    machine = node.machine
    machine.control(PowerChange.OFF)
    assert not machine.power
    machine.control(PowerChange.ON)
    machine.control(PowerChange.ON)
    assert (machine.power, machine.boots) == (True, 1)
    machine.control(PowerChange.RESET)
    assert (machine.power, machine.boots) == (True, 2)
    machine.speed = SPEED
    machine.control(PowerChange.CYCLE)
    assert not machine.power
    await until_async(lambda: machine.power)
    assert machine.boots == 3
    machine.control(PowerChange.SOFT_OFF)  # nothing listens yet
    machine.control(PowerChange.NMI)
    assert b"Kernel panic" in node.written
    assert machine.power
    machine.close()
    await asyncio.sleep(0)
    assert not machine.power

"""How a simulated machine boots: what iPXE, the kernel, our initrd and systemd do on the network and on the console."""

from __future__ import annotations

import asyncio
import hashlib
import random
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import urljoin

import aiohttp

from sbkernel.nodes.power import BootDevice
from sbkernel.nodes.practice import root as roots
from sbkernel.nodes.practice import words
from sbkernel.nodes.practice.ipxe import Script, carried_out
from sbkernel.nodes.practice.machine import PracticeMachine
from sbkernel.nodes.practice.root import Packed, Root, root_of
from sbkernel.nodes.practice.traits import Traits

_HEAD_BYTES = 65536
"""So much is fetched of a file, unless it is to be fetched whole."""
_TRIES = 6
_RETRY_S = 5.0
_SCRIPTS = 4
"""So many scripts follow each other at most: that of a node, boot.ipxe, that of the address, that of the node again."""
_SECONDS = {
    "firmware": (8, 20),
    "dhcp": (2, 5),
    "ipxe": (1, 2),
    "kernel": (1, 3),
    "initrd": (3, 7),
    "fetched": (3, 12),
    "verified": (1, 3),
    "mounted": (0.5, 1),
    "userspace": (4, 9),
    "login": (2, 5),
}
"""How long a real machine takes to each stage, at least and at most."""
_SYSTEM_BYTES = (150 << 20, 250 << 20)
"""The memory that kernel and services take beside the root."""
_UNPUBLISHED = "the root image is not the one that was published"


class BootEndedError(Exception):
    """The boot is at its end, good or bad; the machine keeps its power."""


@dataclass(frozen=True)
class Place:
    """Where a machine is: its address, that of its network card, and the first script."""

    address: str
    mac: str
    script: str


class Boot:
    """One boot of one machine."""

    def __init__(self, machine: PracticeMachine, traits: Traits, place: Place, session: aiohttp.ClientSession) -> None:
        self._machine = machine
        self._traits = traits
        self._place = place
        self._session = session
        # Repeatable: by the seed, for each node and each of its boots.
        self._chance = random.Random(f"{traits.seed} {machine.name} {machine.boots}")  # noqa: S311
        self._arguments: dict[str, str] = {}
        self._root = Root("ram", ())
        self._damaged = False
        """What was fetched whole has another sum."""
        self._kernel_began = 0.0

    async def run(self) -> None:
        """Boot, and stay at the prompt or wherever it ends."""
        device, once = self._machine.boot, self._machine.boot is not None and not self._machine.boot.persistent
        if once:
            self._machine.boot = None
        self._machine.say(words.FIRMWARE)
        await self._pause("firmware")
        if device and device.device not in (BootDevice.NETWORK, BootDevice.DEFAULT):
            self._end(words.NO_DEVICE)
        await self._reach("dhcp", words.NO_DHCP.format(mac=self._place.mac))
        self._machine.say(words.LOADER.format(mac=self._place.mac, address=self._place.address))
        await self._load()
        await self._initrd()
        await self._system()

    async def _load(self) -> None:
        """Do as iPXE does with the scripts of nodeset."""
        await self._reach("ipxe")
        url, script = self._place.script, Script()
        variables = {"netX/mac:hexhyp": self._place.mac.replace(":", "-")}
        for _ in range(_SCRIPTS):
            script = carried_out((await self._get(url)).decode(errors="replace"), variables)
            if not script.chain:
                break
            url = urljoin(url, script.chain)
        if script.is_local:
            self._end(f"{self._machine.name}: booting from the local disk\n{words.NO_DEVICE}")
        if not script.kernel or not script.initrd:
            self._end(f"{url}: nothing to boot\n{words.NO_DEVICE}")
        await self._reach("kernel")
        await self._get(urljoin(url, script.kernel))
        await self._get(urljoin(url, script.initrd))
        self._kernel_began = asyncio.get_running_loop().time()
        line = script.line.removeprefix("initrd=initrd ")
        pairs = (word.partition("=") for word in line.split())
        self._arguments = {name: value for name, _equals, value in pairs}
        self._root = root_of(line.split())
        self._machine.say(words.kernel(line))

    async def _initrd(self) -> None:
        """Do as our initrd does: report, fetch, verify, mount."""
        await self._reach("initrd")
        self._say(f"node {self._machine.name}, image {self._arguments.get('sbkernel.image', 'unknown')}")
        await self._report("initrd", nic="eth0", address=self._place.address)
        root = self._root
        if root.reads_on_demand and not root.checked_when_read:
            await self._fail(
                "the root cannot be read block by block: it has no hash tree, by which to check each block"
            )
        said = self._settle_disks()
        fetched = await self._bring()
        await self._reach("fetched")
        await self._report("fetched", bytes=str(fetched), tries="1")
        await self._reach("verified")
        if (self._traits.checksum or self._damaged) and not root.checked_when_read:
            await self._fail(f"{_UNPUBLISHED}: its sha256 differs")
        first = root.parts[0]
        await self._report("verified", **({"verity": first.verity} if first.verity else {"sha256": first.sha256}))
        await self._reach("mounted")
        if self._traits.checksum:
            await self._fail(_UNPUBLISHED)
        if overlay := self._arguments.get("sbkernel.overlay"):
            await self._get(overlay)
        if self._traits.panic:
            self._end(words.PANIC)
        await self._report("mounted", **({"disk": said} if said else {}))

    def _settle_disks(self) -> str:
        """Make the partitions of the local disk, unless they are there; return what a node says of that."""
        layouts, disk = self._root.disks, self._machine.disk
        if not layouts:
            return ""
        if all(roots.is_kept(layout, disk) for layout in layouts):
            return "kept"
        disk.clear()
        disk.update(layouts)
        return "made"

    async def _bring(self) -> int:
        """Fetch what is to be there before the root is mounted; return how many bytes that is."""
        missing = self._root.missing(self._machine.disk)
        for part in missing:
            await self._fetch(part)
        if self._root.on_disk:
            if self._traits.checksum or self._damaged:
                await self._fail(_UNPUBLISHED)  # it is read back before it gets its name
            self._machine.disk.update(part.sha256 for part in missing)
        return sum(part.size for part in missing)

    async def _system(self) -> None:
        """Do as systemd does."""
        await self._reach(
            "userspace", "[*     ] A start job is running for network-online.target (1min 30s / no limit)"
        )
        for line in words.services():
            self._machine.say(line)
        await self._report("userspace", **await self._costs())
        await self._reach("login")
        self._machine.prompt = f"{self._machine.name} login: ".encode()
        self._machine.say(
            f"\nDebian GNU/Linux 12 {self._machine.name} ttyS0\n\n{self._machine.prompt.decode()}", end=""
        )

    async def _costs(self) -> dict[str, str]:
        """Return what a system that is up reports: memory in use, and what was read of a root on demand."""
        memory = int(self._chance.uniform(*_SYSTEM_BYTES)) + self._root.memory_bytes
        if not self._root.reads_on_demand:
            return {"memory_used": str(memory)}
        share = self._chance.uniform(*roots.LAZY_SHARE)
        for part in self._root.parts:
            await self._get(part.url, int(part.size * share) if self._traits.whole else 0)
        return {"memory_used": str(memory), "bytes": str(int(self._root.size * share))}

    async def _reach(self, stage: str, instead: str = "") -> None:
        """Take the time that a stage takes; a machine that is stuck before it comes no further."""
        if self._traits.stuck == stage:
            self._end(instead)
        await self._pause(stage)

    async def _pause(self, stage: str) -> None:
        times = {**_SECONDS, **roots.SECONDS.get(self._root.kind, {})}
        await asyncio.sleep(self._chance.uniform(*times[stage]) / self._traits.speed)

    async def _get(self, url: str, most: int = 0) -> bytes:
        """Fetch the beginning of a file, several times if need be, as iPXE's scripts do; `most` bytes may be more."""
        for number in range(1, _TRIES + 1):
            try:
                data = await self._beginning(url, max(most, _HEAD_BYTES))
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                said = f"HTTP {status}" if (status := getattr(error, "status", 0)) else type(error).__name__
                self._machine.say(f"{url}... {said}, try {number} of {_TRIES}")
                await asyncio.sleep(_RETRY_S / self._traits.speed)
            else:
                self._machine.say(f"{url}... ok")
                return data
        return self._end(f"{url}: not loaded\n{words.NO_DEVICE}")

    async def _beginning(self, url: str, most: int) -> bytes:
        headers = {"Range": f"bytes=0-{most - 1}"}
        async with self._session.get(url, headers=headers, raise_for_status=True) as answer:
            head = await answer.content.read(_HEAD_BYTES)
            left = most - len(head)
            while left > 0 and (more := await answer.content.read(min(left, 1 << 20))):
                left -= len(more)
            return head

    async def _fetch(self, part: Packed) -> None:
        """Fetch a packed root, whole and summed if this machine does that."""
        if not self._traits.whole:
            await self._get(part.url)
            return
        summed = hashlib.sha256()
        try:
            async with self._session.get(part.url, raise_for_status=True) as answer:
                async for chunk in answer.content.iter_chunked(1 << 20):
                    summed.update(chunk)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            await self._fail(f"the root image could not be fetched: {type(error).__name__}")
        if summed.hexdigest() != part.sha256 and not self._root.checked_when_read:
            self._damaged = True

    async def _report(self, stage: str, **fields: str) -> None:
        """Post a stage; a server that does not answer holds up no boot."""
        if not (server := self._arguments.get("XCAT")) or "nonodestatus" in self._arguments:
            return
        image = self._arguments.get("sbkernel.image", "")
        data = {"node": self._machine.name, "stage": stage, "uptime": f"{self._uptime_s:.2f}", "image": image, **fields}
        try:
            async with self._session.post(f"http://{server}/status", data=data):
                pass
        except (aiohttp.ClientError, TimeoutError, OSError):
            self._say(f"the server did not take the report of {stage}")

    async def _fail(self, reason: str) -> NoReturn:
        await self._report("failed", reason=reason)
        self._end(words.failed(self._machine.name, reason, self._uptime_s))

    def _say(self, text: str) -> None:
        self._machine.say(f"sbkernel [{self._uptime_s:8.2f}] {text}")

    def _end(self, text: str) -> NoReturn:
        if text:
            self._machine.say(text)
        raise BootEndedError

    @property
    def _uptime_s(self) -> float:
        """Seconds since the kernel began, as the kernel of a machine of this speed would count them."""
        return asyncio.get_running_loop().time() - self._kernel_began


async def boot(machine: PracticeMachine, traits: Traits, place: Place) -> None:
    """Boot a machine once; return when it has come as far as it comes."""
    connector = aiohttp.TCPConnector(local_addr=(place.address, 0), limit=1)
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=20, sock_read=60)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        try:
            await Boot(machine, traits, place, session).run()
        except BootEndedError:
            return

"""A build host for tests: a real sshd in a network of its own, with own host keys and a directory to keep things in.

Two network namespaces are joined by a cable that a test can cut; `ssh` on PATH is a real ssh in the near one, with a
configuration of its own.
"""

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from waiting import until

NAME = "build1"
OTHER_PORT = 2222
_NEAR, _FAR = "192.0.2.1", "192.0.2.2"
_numbers = itertools.count()


@dataclass
class SshHost:
    """The host, called build1; `cache` is what sbkernel keeps on it."""

    directory: Path
    number: str
    user: str
    cache: Path
    env: dict[str, str]

    @property
    def config(self) -> Path:
        return self.directory / "ssh_config"

    @property
    def known_hosts(self) -> Path:
        return self.directory / "known_hosts"

    @property
    def processes(self) -> list[str]:
        """The processes that run of what is kept there."""
        found = (cmdline(path) for path in Path("/proc").glob("[0-9]*") if path.name != str(os.getpid()))
        return [text for text in found if str(self.cache) in text]

    def cut(self) -> None:
        """Cut the cable."""
        _ip("netns", "exec", f"{self.number}-near", "ip", "link", "set", "veth0", "down")

    def mend(self) -> None:
        _ip("netns", "exec", f"{self.number}-near", "ip", "link", "set", "veth0", "up")

    @contextmanager
    def sshd(self, *hidden: str, port: int = 22, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a server for a block, with settings of its own; at its end every session is ended, too.

        Who logs in cannot run the `hidden` programs.
        """
        env = {"XDG_CACHE_HOME": str(self.cache), **self.env}
        lines = {
            "ListenAddress": _FAR,
            "Port": str(port),
            "HostKey": str(self.directory / "host_key"),
            "AuthorizedKeysFile": str(self.directory / "key.pub"),
            "PermitRootLogin": "yes",
            "StrictModes": "no",
            "UsePAM": "no",
            "PidFile": "none",
            "SetEnv": " ".join(f'"{name}={value}"' for name, value in env.items()),
            **settings,
        }
        config = self.directory / f"sshd_config-{port}"
        config.write_text("".join(f"{key} {value}\n" for key, value in lines.items()))
        log = self.directory / f"sshd-{port}.log"
        nothing = self.directory / "nothing"
        nothing.touch(mode=0o644)
        masks = [f"mount --bind '{nothing}' '{program}' && " for program in _programs(hidden)]
        with log.open("wb") as stream:
            argv = ["unshare", "--mount", "sh", "-c", "".join(masks) + 'exec "$@"', "sh"]
            argv += ["ip", "netns", "exec", f"{self.number}-far", "/usr/sbin/sshd", "-D", "-e", "-f", str(config)]
            server = subprocess.Popen(argv, stderr=stream)
        try:
            until(lambda: "Server listening" in log.read_text(), unless=lambda: server.poll() is not None)
            yield server
        finally:
            self.kill_sessions()
            server.kill()
            server.wait()

    def kill_sessions(self) -> None:
        """Kill what the server has started, but not what that has started."""
        inside = subprocess.run(["ip", "netns", "pids", f"{self.number}-far"], capture_output=True, text=True).stdout
        for pid in inside.split():
            name = cmdline(Path("/proc", pid))
            if name.startswith("sshd: ") and "[listener]" not in name:
                subprocess.run(["kill", "-KILL", pid], capture_output=True)


@contextmanager
def ssh_host(directory: Path, user: str = "root", **env: str) -> Iterator[SshHost]:
    """Make the host; its server does not run yet. `user` logs in there, with more in the environment."""
    number = f"sb{os.getpid()}-{next(_numbers)}"
    host = SshHost(directory, number, user, directory / "far cache", env)
    with ExitStack() as stack:
        _network(number, stack)
        for name in ("key", "host_key", "other_key"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(directory / name)], check=True
            )
        host.known_hosts.write_text(f"{_FAR},[{_FAR}]:{OTHER_PORT} {(directory / 'host_key.pub').read_text()}")
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        host.config.write_text(
            f"Host {NAME}\n HostName {_FAR}\n User {user}\n IdentityFile {directory}/key\n IdentitiesOnly yes\n"
            f" UserKnownHostsFile {host.known_hosts}\n GlobalKnownHostsFile none\n"
        )
        programs = directory / "bin"
        programs.mkdir()
        ssh = f"exec ip netns exec {number}-near {shutil.which('ssh', path=os.defpath)} -F {host.config}"
        (programs / "ssh").write_text(f'#!/bin/sh\n{ssh} "$@"\n')
        (programs / "ssh").chmod(0o755)
        host.cache.mkdir(mode=0o755)
        if user != "root":
            shutil.chown(host.cache, user, user)
            for above in (directory, *directory.parents):
                if above.stat().st_uid == os.getuid() and not above.stat().st_mode & 1:
                    above.chmod(above.stat().st_mode | 0o711)
        yield host


def use(host: SshHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `ssh` reach the host."""
    monkeypatch.setenv("PATH", f"{host.directory / 'bin'}{os.pathsep}{os.environ['PATH']}")


def cmdline(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _programs(names: Iterable[str]) -> set[str]:
    """Return the files of programs, wherever somebody who logs in finds them."""
    shell = subprocess.run(["bash", "-ic", "echo $PATH"], capture_output=True, text=True).stdout.strip()
    places = [*shell.split(":"), *os.environ["PATH"].split(":"), "/usr/bin", "/usr/sbin"]
    found = (Path(place, name) for place in places for name in names)
    return {os.path.realpath(path) for path in found if path.exists()}


def _network(number: str, stack: ExitStack) -> None:
    for side in ("near", "far"):
        _ip("netns", "add", f"{number}-{side}")
        stack.callback(_ip, "netns", "del", f"{number}-{side}")
    near, far = f"{number}-near", f"{number}-far"
    _ip("-n", near, "link", "add", "veth0", "type", "veth", "peer", "name", "veth0", "netns", far)
    for side, address in ((near, _NEAR), (far, _FAR)):
        _ip("-n", side, "address", "add", f"{address}/24", "dev", "veth0")
        _ip("-n", side, "link", "set", "veth0", "up")
        _ip("-n", side, "link", "set", "lo", "up")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)

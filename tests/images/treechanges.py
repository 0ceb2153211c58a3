"""Random changes of a small tree, of every kind that a rebuild can bring."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from random import Random

NAMES = ("a", "b", "c d", "é", "caf\udce9", "nl\nx", 'q"uote', "back\\slash", "#hash", "-dash", "st*r", " blank ",
         "[x]", "tab\t", ".hidden", "..." + "n" * 100)  # fmt: skip
EPOCH = 1_600_000_000
ACL = bytes.fromhex("0200000001000600ffffffff02000400e803000004000400ffffffff10000400ffffffff20000400ffffffff")


class Changing:
    """A tree that is changed by one random step after the other."""

    def __init__(self, tree: Path, seed: int) -> None:
        self.tree = tree
        self.random = Random(seed)
        tree.mkdir()
        for _ in range(30):
            self.step()

    def step(self) -> None:
        """Change one thing."""
        kinds: list[Callable[[], None]] = [
            self.file, self.file, self.directory, self.link, self.hard_link, self.node, self.remove, self.remove,
            self.mode, self.owner, self.attribute, self.acl, self.time, self.rename, self.same_again, self.refill,
        ]  # fmt: skip
        self.random.choice(kinds)()

    def file(self) -> None:
        path = self.free()
        path.write_bytes(self.random.randbytes(self.random.choice([0, 1, 20, 300, 200_000])))
        self.date(path)

    def directory(self) -> None:
        path = self.free()
        path.mkdir()
        for name in self.random.sample(NAMES, 3):
            (path / name).write_bytes(self.random.randbytes(5))
            self.date(path / name)

    def link(self) -> None:
        self.free().symlink_to(self.random.choice(["/etc/x", "../a", "nowhere", "é"]))

    def hard_link(self) -> None:
        if files := self.those(stat.S_ISREG):
            source = self.random.choice(files)
            path = self.free()
            if source.exists():
                os.link(source, path)

    def node(self) -> None:
        kind, device = self.random.choice(
            [(stat.S_IFCHR, os.makedev(1, 3)), (stat.S_IFBLK, os.makedev(7, 1)), (stat.S_IFIFO, 0), (stat.S_IFSOCK, 0)]
        )
        os.mknod(self.free(), 0o640 | kind, device)

    def remove(self) -> None:
        if paths := self.those():
            self.clear(self.random.choice(paths))

    def mode(self) -> None:
        for path in self.some(lambda mode: not stat.S_ISLNK(mode)):
            path.chmod(self.random.choice([0o755, 0o4711, 0o600, 0o1777, 0]))

    def owner(self) -> None:
        for path in self.some():
            os.chown(path, self.random.choice([0, 1000, 70000]), 8, follow_symlinks=False)

    def attribute(self) -> None:
        for path in self.some(lambda mode: stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            os.setxattr(path, self.random.choice(["user.x", "trusted.y"]), self.random.randbytes(3))

    def acl(self) -> None:
        for path in self.some(stat.S_ISREG):
            os.setxattr(path, "system.posix_acl_access", ACL)

    def time(self) -> None:
        for path in self.some():
            self.date(path)

    def rename(self) -> None:
        for path in self.some():
            target = self.free()
            if os.path.lexists(path) and not target.is_relative_to(path):
                path.rename(target)

    def same_again(self) -> None:
        """Write what was there before, as a build that is made again does."""
        for path in self.some(stat.S_ISREG):
            status, content = path.stat(), path.read_bytes()
            path.unlink()
            path.write_bytes(content)
            os.chown(path, status.st_uid, status.st_gid)
            path.chmod(stat.S_IMODE(status.st_mode))
            os.utime(path, ns=(status.st_mtime_ns, status.st_mtime_ns))

    def refill(self) -> None:
        """Put a directory of the same name in the place of one, with other things in it."""
        for path in self.some(stat.S_ISDIR):
            shutil.rmtree(path)
            path.mkdir()
            (path / self.random.choice(NAMES)).touch()

    def date(self, path: Path) -> None:
        when = EPOCH + self.random.randrange(3)
        os.utime(path, (when, when), follow_symlinks=False)

    def some(self, fits: Callable[[int], bool] = lambda _: True) -> list[Path]:
        found = self.those(fits)
        return self.random.sample(found, 1) if found else []

    def those(self, fits: Callable[[int], bool] = lambda _: True) -> list[Path]:
        return [path for path in sorted(self.tree.rglob("*")) if fits(path.lstat().st_mode)]

    def free(self) -> Path:
        """Return a path to make something at; what was there is gone."""
        path = self.random.choice([self.tree, *self.those(stat.S_ISDIR)]) / self.random.choice(NAMES)
        self.clear(path)
        return path

    def clear(self, path: Path) -> None:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

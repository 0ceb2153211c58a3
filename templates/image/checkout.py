"""Run by the Python of this host in a namespace of its own: makes a tree the same as a layer that it was copied from.

Only what is newer than the layer's packages is dated back to the newest of them, as in every image.
argv: copy|update LAYER TREE LIST ABOUT EPOCH [OLD]. The list says which files of the tree are copies that nobody has
touched since: by their inode and its ctime, which nobody can set, and by the inode of the file in the layer, which
nobody writes to. A line ABOUT and one with the inode of the tree come first. EPOCH is the time of the newest package in
seconds since the epoch, OLD the one to which files of the list are dated back. `copy` copies all of the layer, to where
nothing is; `update` removes and copies what the list that is there does not vouch for, whoever has changed it.
"""

import gc
import marshal
import os
import stat
import sys
import time

AT_ONCE = 500


def main():
    """Do what argv says; print how many files an update has copied."""
    word, layer, tree, listed, about, epoch, *old = sys.argv[1:]
    if word == "copy":
        os.mkdir(tree, 0o700)
    found = Found(layer, tree, known(listed) if word == "update" else {}, int(epoch), is_dated=old == [epoch])
    found.settle()
    print(len(found.missing))
    beside = f"{listed}.new"
    with open(beside, "wb") as file:
        file.write(f"{about}\n{os.stat(tree).st_ino}\n".encode())
        marshal.dump(found.kept, file)
    os.replace(beside, listed)
    # Clocks of file systems tick some hundred times a second: what is changed in the next tick has another ctime.
    newest = max((ctime_ns for _, _, ctime_ns in found.kept.values()), default=0)
    while os.stat(listed).st_ctime_ns == newest:
        time.sleep(0.001)
        os.utime(listed)


def known(listed):
    """Return the files of a list by path; of one that is damaged none."""
    try:
        with open(listed, "rb") as file:
            file.readline(), file.readline()
            files = marshal.loads(file.read())  # noqa: S302 - whoever may write to it may write to the image
        return files if isinstance(files, dict) else {}
    except (ValueError, EOFError, TypeError):
        return {}


class Found:
    """A walk through layer and tree together, with a list of the files that are as they were copied."""

    def __init__(self, layer, tree, known, epoch, *, is_dated):
        self.layer, self.tree, self.newest_ns = layer, tree, epoch * 10**9
        self.known, self.is_dated = known, is_dated
        self.kept, self.missing, self.directories = {}, {}, []
        self.names, self.linked, self.dated = {}, {}, set()
        self._directory("")

    def _directory(self, path):
        self.directories.append(path)
        there, below = entries(f"{self.tree}/{path}"), []
        with os.scandir(f"{self.layer}/{path}") as wanted:
            for entry in wanted:
                other = there.pop(entry.name, None)
                if entry.is_dir(follow_symlinks=False):
                    below.append((path + entry.name, other))
                else:
                    self._file(path + entry.name, entry, other)
        for name, other in there.items():
            self._remove(path + name, other)
        for name, other in below:
            if other is None or not other.is_dir(follow_symlinks=False):
                self._remove(name, other)
                os.mkdir(f"{self.tree}/{name}", 0o700)
            self._directory(f"{name}/")

    def _file(self, path, entry, other):
        source = entry.inode()
        # Nearly every file has one name.
        if self.names.setdefault(source, path) != path:
            self.linked.setdefault(source, [self.names[source]]).append(path)
        if other is not None:
            own = other.stat(follow_symlinks=False)
            fact = source, own.st_ino, own.st_ctime_ns
            if self.known.get(path) == fact:
                self.kept[path] = fact
                if not self.is_dated:
                    self._date(path, own, entry.stat(follow_symlinks=False).st_mtime_ns)
                return
            self._remove(path, other)
        self.missing[path] = source

    def _remove(self, path, entry):
        if entry is not None and entry.is_dir(follow_symlinks=False):
            import shutil  # as below: it takes longer to load than most updates need it

            shutil.rmtree(f"{self.tree}/{path}")
        elif entry is not None:
            os.unlink(f"{self.tree}/{path}")

    def settle(self):
        """Copy what is missing, and give each directory what it has in the layer."""
        linked = list(self.linked.values())
        for names in linked:
            self._whole(names)
        others = {name for names in linked for name in names[1:]}
        self._copy({path: source for path, source in self.missing.items() if path not in others})
        for names in linked:
            for name in names[1:]:
                if name not in self.kept:
                    os.link(f"{self.tree}/{names[0]}", f"{self.tree}/{name}", follow_symlinks=False)
                    self.kept[name] = self.kept[names[0]]
        for path in reversed(self.directories):
            like(f"{self.layer}/{path}", f"{self.tree}/{path}", self.newest_ns)
        # The ctime of a file changes with its date, and with each of its names that comes or goes.
        for path in self.dated.union(*linked):
            self._note(path, self.kept[path][0])

    def _whole(self, names):
        """Have all names of a file copied unless all are there, as one file."""
        if len({self.kept[name][1] if name in self.kept else None for name in names}) == 1 and names[0] in self.kept:
            return
        for name in names:
            if fact := self.kept.pop(name, None):
                os.unlink(f"{self.tree}/{name}")
                self.missing[name] = fact[0]

    def _copy(self, files):
        """Copy files with all that they have, on all processors: nearly all of it is the kernel's time."""
        paths = [f"./{path}" for path in files]
        argv = ["cp", "--archive", "--reflink=auto", "--parents", f"--target-directory={self.tree}", "--"]
        os.chdir(self.layer)

        def copy(start):
            # To load subprocess takes longer than most updates take for all that they copy.
            process = os.posix_spawnp("cp", [*argv, *paths[start : start + AT_ONCE]], os.environ)
            if os.waitpid(process, 0)[1]:
                sys.exit(1)  # cp has said why

        starts = range(0, len(paths), AT_ONCE)
        at_once(copy, starts) if len(starts) > 1 else [copy(start) for start in starts]
        for path, source in files.items():
            status = os.lstat(f"{self.layer}/{path}")
            self._date(path, status, status.st_mtime_ns)
            self._note(path, source)

    def _date(self, path, status, mtime_ns):
        """Date a file as the layer says; `status` is that of the file, or of what it was copied from."""
        if status.st_mtime_ns != (dated := min(mtime_ns, self.newest_ns)):
            os.utime(f"{self.tree}/{path}", ns=(status.st_atime_ns, dated), follow_symlinks=False)
            self.dated.add(path)

    def _note(self, path, source):
        status = os.lstat(f"{self.tree}/{path}")
        self.kept[path] = source, status.st_ino, status.st_ctime_ns


def at_once(function, several):
    """Call a function with several arguments on all processors; what it raises first ends it."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        try:
            list(threads.map(function, several))
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise


def entries(path):
    """Return the entries of a directory by name."""
    with os.scandir(path) as found:
        return {entry.name: entry for entry in found}


def like(model, path, newest_ns):
    """Give a directory the owner, mode, attributes and time of another where they differ."""
    wanted, status = os.stat(model), os.lstat(path)
    if (wanted.st_uid, wanted.st_gid) != (status.st_uid, status.st_gid):
        os.chown(path, wanted.st_uid, wanted.st_gid)
        status = os.lstat(path)
    if wanted.st_mode != status.st_mode:
        os.chmod(path, stat.S_IMODE(wanted.st_mode))
    attributes, has = read(model), read(path)
    if attributes != has:
        for name in has.keys() - attributes.keys():
            os.removexattr(path, name)
        for name, value in attributes.items():
            os.setxattr(path, name, value)
    if status.st_mtime_ns != (dated := min(wanted.st_mtime_ns, newest_ns)):
        os.utime(path, ns=(wanted.st_atime_ns, dated))


def read(path):
    """Return the extended attributes of a path; none on a file system that has none."""
    try:
        return {name: os.getxattr(path, name) for name in os.listxattr(path)}
    except OSError:
        return {}


if __name__ == "__main__":
    gc.disable()  # nothing of all that is made here can go before the end
    main()

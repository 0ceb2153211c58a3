"""Run by the Python that dnf itself runs with, in a namespace of its own: changes a few packages of a tree.

One transaction of rpm, as dnf would make it, without a solver: rpm refuses a set that does not fit.
"""

import contextlib
import json
import os
import posixpath
import sys

import rpm


def main():
    """Let {coming} come and {leaving} go in {root}; if {later}, what is newer than {epoch} is dated anew."""
    asked = json.load(sys.stdin)
    os.umask(0o022)
    root = os.path.realpath(asked["root"])
    transaction = rpm.TransactionSet(root, rpm._RPMVSF_NOSIGNATURES | rpm._RPMVSF_NODIGESTS)
    transaction.setFlags(0)
    there = list(transaction.dbMatch())
    # rpm has read the macros of the build by now; programs in the tree would not find them, nor what is preloaded.
    os.environ["HOME"] = "/root"
    for name in ("LD_PRELOAD", "LD_LIBRARY_PATH"):
        os.environ.pop(name, None)
    gone = [one for one in there if key(one) in asked["leaving"]]
    updated = {add(transaction, one) for one in asked["coming"] if one["update"]}
    for one in asked["coming"]:
        if not one["update"]:
            add(transaction, one)
    for header in gone:
        if header["name"] not in updated:
            transaction.addErase(header)
    carry_out(transaction)
    after = list(transaction.dbMatch())
    transaction.closeDB()
    remove_empty(root, gone, after, set(asked["laid_out"]))
    if asked["later"]:
        date_anew(root, after, asked["epoch"])


def key(header):
    """Return name=[epoch:]version-release:architecture."""
    epoch = f"{header['epoch']}:" if header["epoch"] else ""
    return f"{header['name']}={epoch}{header['version']}-{header['release']}:{header['arch']}"


def add(transaction, one):
    """Add a package that comes, or replaces an older or newer one of its name; return that."""
    with open(one["file"], "rb") as file:
        header = transaction.hdrFromFdno(file.fileno())
    transaction.addInstall(header, one["file"], "u" if one["update"] else "i")
    return header["name"]


def carry_out(transaction):
    """Run a transaction; end with what stands against it."""
    if problems := transaction.check():
        sys.exit("\n".join(map(str, problems)))
    transaction.order()
    transaction.setProbFilter(rpm.RPMPROB_FILTER_OLDPACKAGE | rpm.RPMPROB_FILTER_IGNOREARCH)
    wrong = []
    problems = transaction.run(Callback(wrong), "")
    if problems is not None or wrong:
        sys.exit("\n".join([*(str(one[0]) for one in problems or ()), *wrong]) or "rpm says nothing more")


class Callback:
    """What rpm calls: it opens files of packages, says what it does, and notes what goes wrong."""

    def __init__(self, wrong):
        self.wrong = wrong
        self.file = None

    def __call__(self, what, _amount, _total, name, _data):
        """Answer rpm."""
        if what == rpm.RPMCALLBACK_INST_OPEN_FILE:
            print(f"Installing {posixpath.basename(name)}", flush=True)
            self.file = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
            return self.file
        if what == rpm.RPMCALLBACK_INST_CLOSE_FILE:
            os.close(self.file)
        elif what == rpm.RPMCALLBACK_UNINST_START:
            print(f"Removing {name}", flush=True)
        elif what in (rpm.RPMCALLBACK_SCRIPT_ERROR, rpm.RPMCALLBACK_CPIO_ERROR, rpm.RPMCALLBACK_UNPACK_ERROR):
            self.wrong.append(f"{name}: a scriptlet has failed, or a file cannot be written")
        return None


def remove_empty(root, gone, after, laid_out):
    """Remove the directories that rpm leaves: no package owns them, and nothing is in them any more."""
    left = {above for one in gone for path in one["filenames"] or [] for above in parents(root, path)}
    left -= {f"{root}/{name}" for name in laid_out}
    names = {posixpath.basename(path) for path in left}
    owned = (path for one in after for path in one["filenames"] or [] if posixpath.basename(path) in names)
    left -= {os.path.realpath(f"{root}{path}") for path in owned}
    for path in sorted(left, key=len, reverse=True):
        with contextlib.suppress(OSError):
            os.rmdir(path)


def parents(root, path):
    """Yield the directories in the tree that are above a path, as they are without links."""
    while path != "/":
        path = posixpath.dirname(path)
        real = os.path.realpath(f"{root}{path}")
        if real.startswith(f"{root}/"):
            yield real


def date_anew(root, after, epoch):
    """Date what scripts have made, which is newer than `epoch`, as if they had run now."""
    brought = {
        (posixpath.basename(path), time)
        for one in after
        if max(one["filemtimes"] or [0]) > epoch
        for path, time in zip(one["filenames"], one["filemtimes"], strict=True)
    }
    device = os.lstat(root).st_dev
    for directory, below, names in os.walk(root):
        below[:] = [name for name in below if os.lstat(posixpath.join(directory, name)).st_dev == device]
        for path in (posixpath.join(directory, name) for name in names):
            time = int(os.lstat(path).st_mtime)
            if time > epoch and (posixpath.basename(path), time) not in brought:
                os.utime(path, follow_symlinks=False)


if __name__ == "__main__":
    main()

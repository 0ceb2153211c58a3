"""Run by the Python that dnf itself runs with, in a namespace of its own: installs exactly the packages it is told.

Nothing is solved: each package comes with the reason that dnf records for it; rpm refuses a set that does not fit.
"""

import contextlib
import json
import logging
import os
import sqlite3
import sys
from pathlib import Path

import dnf
import dnf.callback
import dnf.exceptions
import dnf.yum.rpmtrans
from libdnf import transaction

REASONS = {
    "user": transaction.TransactionItemReason_USER,
    "group": transaction.TransactionItemReason_GROUP,
    "dependency": transaction.TransactionItemReason_DEPENDENCY,
    "weak": transaction.TransactionItemReason_WEAK_DEPENDENCY,
}


def main():
    """Install {packages: [{file, repository, reason}]} into {root}; leave {files} there, and nothing of the build."""
    asked = json.load(sys.stdin)
    os.umask(0o022)
    logging.getLogger("dnf").addHandler(complaints())
    display = Display(len(asked["packages"]))
    for number, env in enumerate(asked["passes"]):
        packages = [one for one in asked["packages"] if one["pass"] == number]
        if packages:
            change(asked, env, display, lambda base, packages=packages: add(base, packages))
    if asked["removed"]:
        change(asked, {}, display, lambda base: remove(base, asked["removed"]), there=True)
    level(Path(asked["root"]), asked)
    for name, text in asked["files"].items():
        write(Path(asked["root"]), name, text)


def change(asked, env, display, planned, there=False):
    """Make one transaction of what is `planned`; scriptlets see the environment of their pass.

    Packages that are `there` already are looked up only when that is needed.
    """
    with dnf.Base(configuration(asked)) as base:
        base.fill_sack(load_system_repo=there, load_available_repos=False)
        # rpm has read the macros of the build by now, and the library that makes fsync(2) do nothing is loaded;
        # programs in the tree would find neither.
        os.environ["HOME"] = "/root"
        for name in ("LD_PRELOAD", "LD_LIBRARY_PATH"):
            os.environ.pop(name, None)
        before = dict(os.environ)
        os.environ.update(env)
        try:
            planned(base)
            base.do_transaction(display=display)
        except dnf.exceptions.Error as error:
            sys.exit(str(error))
        os.environ.clear()
        os.environ.update(before)


def complaints():
    """Return a handler that writes what dnf and rpm complain of to standard error."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.ERROR)
    return handler


def configuration(asked):
    """Return dnf's configuration: nothing of this host; its records go into the tree if {history}."""
    conf = dnf.conf.Conf()
    conf.installroot = asked["root"]
    conf.cachedir = conf.logdir = asked["scratch"]
    conf.persistdir = f"{asked['root']}/var/lib/dnf" if asked["history"] else asked["scratch"]
    conf.history_record = asked["history"]
    conf.reposdir = []
    conf.pluginpath = []
    conf.arch = asked["arch"]
    conf.ignorearch = True
    # Each file was compared with its sum just before; rpm would sum it, its header and each file in it again.
    conf.tsflags = ["nocrypto"]
    conf.substitutions["releasever"] = asked["release"]
    return conf


def add(base, packages):
    """Make a transaction of package files, without a solver."""
    for one in packages:
        package = base.sack.add_cmdline_package(one["file"])
        package._force_swdb_repoid = one["repository"]
        base.history.rpm.add_install(package, [], REASONS[one["reason"]])
    base._transaction = base.history.rpm


def remove(base, names):
    """Make a transaction that removes packages, without a solver."""
    for package in base.sack.query().installed().filter(name=names):
        base.history.rpm.add_erase(package, transaction.TransactionItemReason_USER)
    base._transaction = base.history.rpm


class Display(dnf.yum.rpmtrans.TransactionDisplay):
    """Write a line for each package when rpm begins with it, and what scriptlets say."""

    def __init__(self, total):
        super().__init__()
        self.total = total
        self.seen = set()
        self.gone = set()

    def progress(self, package, action, *_counts):
        """Say which package is being installed."""
        if action == dnf.callback.PKG_ERASE and str(package) not in self.gone:
            self.gone.add(str(package))
            print(f"Removing {package}", flush=True)
        if action == dnf.callback.PKG_INSTALL and str(package) not in self.seen:
            self.seen.add(str(package))
            print(f"Installing {package} ({len(self.seen)}/{self.total})", flush=True)

    def scriptout(self, msgs):
        """Pass on what a scriptlet has written."""
        if msgs:
            print(msgs.decode(errors="replace") if isinstance(msgs, bytes) else msgs, flush=True)

    def error(self, message):
        """Pass on what went wrong."""
        print(f"error: {message}", file=sys.stderr, flush=True)


def level(root, asked):
    """Take out of the databases what differs from one build to the next: times, who ran it, what was printed."""
    if asked["history"]:
        with closed(root / "var/lib/dnf/history.sqlite") as database:
            database.execute("UPDATE trans SET dt_begin=?, dt_end=?, user_id=0, cmdline=''", [asked["epoch"]] * 2)
            database.execute("UPDATE trans SET rpmdb_version_begin='', rpmdb_version_end=''")
            database.execute("DELETE FROM console_output")
    packages = root / asked["database"]
    with closed(packages / "rpmdb.sqlite"):
        pass
    if not asked["history"]:
        for name in ("etc/dnf/modules.d", "etc/dnf"):
            with contextlib.suppress(OSError):
                (root / name).rmdir()
    for leftover in (".rpm.lock", "rpmdb.sqlite-shm", "rpmdb.sqlite-wal"):
        (packages / leftover).unlink(missing_ok=True)


@contextlib.contextmanager
def closed(path):
    """Open a database, and leave one file of it, without the log of what was written last."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
        yield database
        database.execute("VACUUM")


def write(root, name, text):
    """Write a file of the tree, which must lie in the tree."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.resolve().is_relative_to(root.resolve()):
        sys.exit(f"{name} leads out of the tree")
    path.write_text(text)


if __name__ == "__main__":
    main()

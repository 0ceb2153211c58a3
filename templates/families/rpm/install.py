"""Run by the Python that dnf itself runs with, in a namespace of its own: installs exactly the packages that it is told.

Nothing is solved: each package comes with the reason that dnf records for it; rpm refuses a set that does not fit.
"""

import json
import logging
import os
import sqlite3
import sys

# Loaded already, the library that makes fsync(2) nothing works on; programs in the tree would not find it.
os.environ.pop("LD_PRELOAD", None)

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
    """Install {packages: [{file, repository, reason}]} into {root}, whose history is dated {epoch} seconds."""
    asked = json.load(sys.stdin)
    logging.getLogger("dnf").addHandler(complaints())
    with dnf.Base(configuration(asked)) as base:
        base.fill_sack(load_system_repo=False, load_available_repos=False)
        # rpm has read the macros of the build from there by now; scriptlets shall not see it.
        os.environ["HOME"] = "/root"
        try:
            add(base, asked["packages"])
            base.do_transaction(display=Display(len(asked["packages"])))
        except dnf.exceptions.Error as error:
            print(error, file=sys.stderr)
            sys.exit(1)
    level(os.path.join(asked["root"], "var/lib/dnf/history.sqlite"), asked["epoch"])


def complaints():
    """Return a handler that writes what dnf and rpm complain of to standard error."""
    handler = logging.StreamHandler()
    handler.setLevel(logging.ERROR)
    return handler


def configuration(asked):
    """Return dnf's configuration: nothing of this host, and its records in the tree."""
    conf = dnf.conf.Conf()
    conf.installroot = asked["root"]
    conf.cachedir = conf.logdir = asked["scratch"]
    conf.persistdir = os.path.join(asked["root"], "var/lib/dnf")
    conf.reposdir = []
    conf.pluginpath = []
    conf.arch = asked["arch"]
    conf.ignorearch = True
    # rpm counts the space of the file system that holds the tree by the files of this host's own.
    conf.diskspacecheck = False
    return conf


def add(base, packages):
    """Make a transaction of package files, without a solver."""
    for one in packages:
        package = base.sack.add_cmdline_package(one["file"])
        package = dnf.package.Package(package, base) if not isinstance(package, dnf.package.Package) else package
        package._force_swdb_repoid = one["repository"]
        base.history.rpm.add_install(package, [], REASONS[one["reason"]])
    base._transaction = base.history.rpm


class Display(dnf.yum.rpmtrans.TransactionDisplay):
    """Write a line for each package when rpm begins with it, and what scriptlets say."""

    def __init__(self, total):
        super().__init__()
        self.total = total
        self.seen = set()

    def progress(self, package, action, ti_done, ti_total, ts_done, ts_total):
        """Say which package is being installed."""
        if action == dnf.callback.PKG_INSTALL and str(package) not in self.seen:
            self.seen.add(str(package))
            print(f"Installing {package} ({len(self.seen)}/{self.total})", flush=True)

    def scriptout(self, msgs):
        """Pass on what a scriptlet has written."""
        if msgs:
            print(msgs if isinstance(msgs, str) else "\n".join(msgs), flush=True)

    def error(self, message):
        """Pass on what went wrong."""
        print(f"error: {message}", file=sys.stderr, flush=True)


def level(history, epoch):
    """Take out of dnf's history what differs from one build to the next: times, who ran it, what was printed."""
    with sqlite3.connect(history) as database:
        database.execute("PRAGMA journal_mode=DELETE")
        database.execute("UPDATE trans SET dt_begin=?, dt_end=?, user_id=0, cmdline=''", (epoch, epoch))
        database.execute("UPDATE trans SET rpmdb_version_begin='', rpmdb_version_end=''")
        database.execute("DELETE FROM console_output")
    database.execute("VACUUM")
    database.close()


if __name__ == "__main__":
    main()

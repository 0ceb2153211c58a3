"""Run by the Python that dnf itself runs with, in a namespace of its own: installs exactly the packages it is told.

Nothing is solved: rpm refuses a set that does not fit.
"""

import json
import logging
import os
import sys

import dnf
import dnf.callback
import dnf.exceptions
import dnf.yum.rpmtrans


def main():
    """Install {packages: [{file, pass}]} into {root}, pass by pass; {removed} go at the end."""
    asked = json.load(sys.stdin)
    os.umask(0o022)
    logging.getLogger("dnf").addHandler(complaints())
    display = Display(len(asked["packages"]))
    for number, env in enumerate(asked["passes"]):
        packages = [one for one in asked["packages"] if one["pass"] == number]
        if packages:
            change(asked, env, display, lambda base, packages=packages: add(base, packages), asked["over"])
    if asked["removed"]:
        change(asked, {}, display, lambda base: remove(base, asked["removed"]), there=True)


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
    """Return dnf's configuration: nothing of this host; what it records of this run goes with the run."""
    conf = dnf.conf.Conf()
    conf.installroot = asked["root"]
    conf.cachedir = conf.logdir = conf.persistdir = asked["scratch"]
    conf.history_record = False
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
    there = list(base.sack.query().installed())
    for one in packages:
        package = base.sack.add_cmdline_package(one["file"])
        old = [other for other in there if (other.name, other.arch) == (package.name, package.arch)]
        if old and not base._get_installonly_query(base.sack.query().filterm(pkg=[package])):
            base.history.rpm.add_upgrade(package, old[0])
        else:
            base.history.rpm.add_install(package)
    base._transaction = base.history.rpm


def remove(base, names):
    """Make a transaction that removes packages, without a solver."""
    for package in base.sack.query().installed().filter(name=names):
        base.history.rpm.add_erase(package)
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


if __name__ == "__main__":
    main()

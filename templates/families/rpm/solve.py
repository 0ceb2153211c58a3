"""Run by the Python that dnf itself runs with: reads a JSON question, lets dnf solve it, writes a JSON answer."""

import difflib
import json
import os
import sys

import dnf
import dnf.exceptions
from libdnf.transaction import TransactionItemReason_GROUP, TransactionItemReason_USER

ASKED = (TransactionItemReason_GROUP, TransactionItemReason_USER)


def main():
    """Answer {install, unknown, conflict} to {root, cache, release, arch, platform, repos, names, weak}."""
    asked = json.load(sys.stdin)
    # dnf and what it loads may write to standard output; the answer has its own way out.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with dnf.Base(configuration(asked)) as base:
        for number, url in enumerate(asked["repos"]):
            base.repos.add_new_repo(f"list{number}", base.conf, baseurl=[url], gpgcheck=False, metadata_expire=0)
        base.fill_sack(load_system_repo=False)
        if any(name.startswith("@") for name in asked["names"]):
            base.read_comps()
        json.dump(solve(base, asked["names"]), answer)
    answer.close()


def configuration(asked):
    """Return dnf's configuration: nothing of this host but its proxy."""
    conf = dnf.conf.Conf()
    conf.installroot = asked["root"]
    conf.cachedir = conf.persistdir = asked["cache"]
    conf.reposdir = []
    conf.pluginpath = []
    conf.install_weak_deps = asked["weak"]
    conf.arch = asked["arch"]
    conf.substitutions["releasever"] = asked["release"]
    if asked["platform"]:
        conf.module_platform_id = asked["platform"]
    return conf


def solve(base, names):
    """Return what dnf would install of the names that it knows."""
    unknown = {}
    try:
        base.install_specs(names)
    except dnf.exceptions.MarkingErrors as error:
        missing = [*error.no_match_pkg_specs, *error.no_match_group_specs]
        known = {package.name for package in base.sack.query().available()} if missing else set()
        unknown = {name: difflib.get_close_matches(name, sorted(known), n=3) for name in missing}
    try:
        base.resolve()
    except dnf.exceptions.DepsolveError as error:
        return {"install": [], "unknown": unknown, "conflict": str(error)}
    return {"install": described(base), "unknown": unknown, "conflict": ""}


def described(base):
    """Return the packages of the transaction, each with those of them that it needs."""
    items = {item.pkg: item for item in base.transaction if item.pkg in base.transaction.install_set}
    query = base.sack.query().filterm(pkg=list(items))
    return [description(query, package, items[package]) for package in sorted(items)]


def description(query, package, item):
    """Return one package, the names of others that it needs, and whether somebody asked for it or for its group."""
    needs = {other.name for need in [*package.requires, *package.recommends] for other in query.filter(provides=need)}
    epoch = f"{package.epoch}:" if package.epoch else ""
    return {
        "name": package.name,
        "version": f"{epoch}{package.version}-{package.release}",
        "arch": package.arch,
        "download": package.downloadsize,
        "size": package.installsize,
        "source": package.sourcerpm or "",
        "section": package.group or "",
        "licence": package.license or "",
        "homepage": package.url or "",
        "summary": package.summary or "",
        "needs": sorted(needs - {package.name}),
        "asked": item.reason in ASKED,
    }


if __name__ == "__main__":
    main()

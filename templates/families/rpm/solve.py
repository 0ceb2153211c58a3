"""Run by the Python that dnf itself runs with: reads a JSON question, lets dnf solve it, writes a JSON answer."""

import binascii
import bz2
import contextlib
import difflib
import gzip
import io
import json
import lzma
import os
import re
import subprocess
import sys
from xml.parsers import expat

import dnf
import dnf.exceptions
import dnf.repo
import dnf.subject
import hawkey
from dnf.module.module_base import ModuleBase
from libdnf import transaction

REASONS = {
    transaction.TransactionItemReason_USER: "user",
    transaction.TransactionItemReason_GROUP: "group",
    transaction.TransactionItemReason_WEAK_DEPENDENCY: "weak",
}
SUMS = (hawkey.CHKSUM_SHA256, hawkey.CHKSUM_SHA384, hawkey.CHKSUM_SHA512)
DAMAGED = re.compile(r"checksum doesn't match|parser? error|^file:.*Downloading error", re.IGNORECASE | re.DOTALL)
"""An index that is there and wrong; of a mirror, part of one may be missing because the connection broke."""


class NotReadError(Exception):
    """A repository cannot be read, and there is nothing of it from before."""


def main():
    """Answer {install, unknown, conflict, offline, problem, damaged} to what question.py and solver.py put together."""
    asked = json.load(sys.stdin)
    # dnf and what it loads may write to standard output; the answer has its own way out.
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with dnf.Base(configuration(asked)) as base:
        try:
            json.dump(answered(base, asked), answer)
        except NotReadError as error:
            json.dump({"problem": str(error), "damaged": DAMAGED.search(str(error)) is not None}, answer)
    answer.close()


def answered(base, asked):
    """Read the repositories and return the answer; {anew} or as they are in the cache."""
    loaded = [load(base, name, url, asked["anew"]) for name, url in asked["repositories"]]
    answer = {"offline": not all(loaded), "primary": primary(base), "install": [], "unknown": {}, "conflict": ""}
    if asked["only_read"]:
        return answer
    base.fill_sack(load_system_repo=asked["over"])
    if "look_up" in asked:
        return {**answer, **looked_up(base, asked["look_up"])}
    if "advised" in asked:
        return {**answer, **advised(base, asked["advised"], asked["names"])}
    if "exactly" in asked:
        found = exactly(base, asked["exactly"], asked["names"], asked["sources"])
        return {**answer, "install": described(base, found, asked), "unknown": near(base, asked["unknown"])}
    if any(name.startswith("@") for name in asked["names"]):
        base.read_comps()
    shut_out(base, asked["shut_out"])
    chosen, unknown, conflict = solve(base, asked["names"], asked["left_out"], asked["sources"])
    return {**answer, "install": described(base, chosen, asked), "unknown": unknown, "conflict": conflict}


def primary(base):
    """Return where the list of packages of each repository lies now."""
    return {repo.id: repo.get_metadata_path("primary") for repo in base.repos.iter_enabled()}


def configuration(asked):
    """Return dnf's configuration: nothing of this host but its way to mirrors."""
    conf = dnf.conf.Conf()
    conf.installroot = asked["root"]
    conf.cachedir = conf.persistdir = conf.logdir = asked["cache"]
    conf.reposdir = []
    conf.pluginpath = []
    conf.install_weak_deps = False
    conf.arch = asked["arch"]
    conf.ignorearch = True
    conf.best = True
    conf.retries = 2
    conf.timeout = 20
    conf.substitutions["releasever"] = asked["release"]
    if asked["platform"]:
        conf.module_platform_id = asked["platform"]
    for name, value in asked["network"].items():
        setattr(conf, name, value)
    return conf


def load(base, name, url, anew):
    """Read a repository `anew`; tell whether that went well, else it is as it was the last time."""
    repo = base.repos.add_new_repo(name, base.conf, baseurl=[url], gpgcheck=False)
    if anew:
        # A time would not do: dnf counts whole seconds.
        repo._repo.expire()
    else:
        repo._repo.setSyncStrategy(dnf.repo.SYNC_ONLY_CACHE)
    try:
        repo.load()
    except dnf.exceptions.RepoError as error:
        problem = f"{url}: {error}"
    else:
        return True
    repo._repo.setSyncStrategy(dnf.repo.SYNC_ONLY_CACHE)
    try:
        repo.load()
    except dnf.exceptions.RepoError:
        raise NotReadError(problem) from None
    if DAMAGED.search(problem):
        raise NotReadError(problem)
    print(problem)
    return False


def solve(base, names, left_out, sources):
    """Return what dnf would install of the names that it knows, with reasons; the others; and why it cannot.

    Names among `sources` come from the repositories that it says.
    """
    # A module's stream decides which versions of its packages there are.
    groups = [name for name in names if name.startswith("@")]
    others = [name for name in names if not name.startswith("@") and name not in sources]
    parts = [(groups, None), (others, None), *(([name], repositories) for name, repositories in sources.items())]
    errors = [error for part, repositories in parts for error in mark(base, part, left_out, repositories)]
    unknown = near(
        base, [name for error in errors for name in (*error.no_match_pkg_specs, *error.no_match_group_specs)]
    )
    conflict = "\n".join(str(error) for error in errors if error.error_pkg_specs or error.error_group_specs)
    try:
        if not conflict:
            base.resolve()
    except dnf.exceptions.DepsolveError as error:
        conflict = str(error)
    if conflict:
        return {}, unknown, conflict
    if lost := leaving(base.transaction):
        return {}, unknown, f"{', '.join(lost)} of the container would have to go"
    items = (item for item in base.transaction if item.pkg in base.transaction.install_set)
    return {item.pkg: REASONS.get(item.reason, "dependency") for item in items}, unknown, ""


def leaving(transaction):
    """Return the names of the packages that go without another version of them coming."""
    return sorted({one.name for one in transaction.remove_set} - {one.name for one in transaction.install_set})


def exactly(base, nevras, names, sources):
    """Return these packages with reasons; the names are what somebody asked for, of some from certain `sources`."""
    order = [repo.id for repo in base.repos.iter_enabled()]
    found = []
    for name, version, arch in nevras:
        same = base.sack.query().filter(name=name, evr=version, arch=arch)
        from_there = [package for package in same if package.repoid in sources.get(name, ())]
        found.append(min(from_there or same, key=lambda package: order.index(package.repoid)))
    query = base.sack.query().filterm(pkg=found)
    asked = {package for name in names for package in wanted(base, name).intersection(query)}
    return {package: "user" if package in asked else "dependency" for package in found}


def wanted(base, name):
    """Return the packages that a name means; name=version is a way to ask for a version."""
    spelt = name if " " in name else name.replace("=", "-", 1)
    return dnf.subject.Subject(spelt).get_best_query(base.sack)


def shut_out(base, versions):
    """Go on as if these versions of packages, by name, were not there."""
    if versions:
        query = base.sack.query().available().filter(name=list(versions))
        others = [package for package in query if package.evr in versions[package.name]]
        base.sack.add_excludes(base.sack.query().filterm(pkg=others))


def advised(base, names, specs):
    """Return {fixed, offered}: versions of packages by name, those that advisories of type security name, and all.

    {silent} are repositories without advisories; {by_lists} are names of which `specs` say a version. An advisory of a
    module counts where that is on.
    """
    query = base.sack.query().available().filterm(name=names)
    fixed, offered = {}, {}
    for package in query:
        offered.setdefault(package.name, []).append(package.evr)
    for one in query.get_advisory_pkgs(hawkey.EQ | hawkey.LT | hawkey.GT):
        if one.get_advisory(base.sack).type == hawkey.ADVISORY_SECURITY:
            fixed.setdefault(one.name, []).append(one.evr)
    told = {repo.id: repo.get_metadata_path("updateinfo") for repo in base.repos.iter_enabled()}
    for repository, path in told.items():
        refuse_no_advisories(repository, path)
    spelt = (dnf.subject.Subject(spec).get_best_solution(base.sack) for spec in specs if not spec.startswith("@"))
    by_lists = {package.name for one in spelt if one["nevra"] and one["nevra"].version for package in one["query"]}
    return {
        "fixed": {name: sorted(set(found)) for name, found in fixed.items()},
        "offered": {name: sorted(set(found)) for name, found in offered.items()},
        "silent": [repository for repository, path in told.items() if not path],
        "by_lists": sorted(by_lists),
    }


def refuse_no_advisories(repository, path):
    """Raise NotReadError when a list of advisories is cut or none: libsolv takes what it can read, and says nothing."""
    opened = OPEN.get(os.path.splitext(path)[1])
    if opened is None:
        return
    roots = []
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, _attributes: roots or roots.append(name)
    try:
        with opened(path) as stream:
            parser.ParseFile(stream)
    except (OSError, EOFError, ValueError, lzma.LZMAError, expat.ExpatError) as error:
        raise NotReadError(f"{repository}: parse error in its advisories (updateinfo): {error}") from None
    if roots != ["updates"]:
        raise NotReadError(f"{repository}: parse error in its advisories (updateinfo): {roots[0]} is no list of them")


@contextlib.contextmanager
def zstd(path):
    """Open what zstd has compressed, which Python cannot."""
    with subprocess.Popen(["zstd", "-dcq", "--", path], stdout=subprocess.PIPE) as process:
        yield process.stdout
    if process.returncode:
        raise OSError("zstd cannot read it")


OPEN = {".xml": io.FileIO, ".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, ".zst": zstd}
"""How a list of advisories is opened, by the end of its name."""


def looked_up(base, names):
    """Return {unknown, files}: names that nothing has, and the paths in the packages that others mean."""
    if any(name.startswith("@") for name in names):
        base.read_comps()
    found = {name: known(base, name) for name in names}
    files = {name: sorted({path for one in latest for path in one.files}) for name, latest in found.items() if latest}
    return {"unknown": near(base, [name for name, latest in found.items() if latest is None]), "files": files}


def known(base, name):
    """Return the newest packages that a name means, none for a group or module; None if nothing has the name."""
    if name.startswith("@"):
        return [] if known_group(base, name[1:]) else None
    packages = wanted(base, name).latest()
    return list(packages) or None


def known_group(base, name):
    """Tell whether there is a group, an environment or a module of that name."""
    if base.comps.group_by_pattern(name) or base.comps.environment_by_pattern(name):
        return True
    return bool(ModuleBase(base).get_modules(name)[0])


def near(base, names):
    """Return names of packages like each name; of groups and environments like a group."""
    groups = any(name.startswith("@") for name in names) and (*base.comps.groups, *base.comps.environments)
    ids = [f"@{one.id}" for one in groups or ()]
    known = sorted({package.name for package in base.sack.query().available()}) if names else []
    return {name: difflib.get_close_matches(name, ids if name.startswith("@") else known, n=3) for name in names}


def mark(base, names, left_out, repositories):
    """Mark names for installation, from certain repositories where some are given; return the errors, none or one."""
    try:
        base.install_specs(names, exclude=left_out, reponame=repositories)
    except dnf.exceptions.MarkingErrors as error:
        return [error]
    return []


def described(base, chosen, asked):
    """Return the packages that were chosen, with {explain} each with those that it needs, and in which of {passes}."""
    query = base.sack.query().filterm(pkg=list(chosen))
    streams = module_streams(base)
    rows = {package: description(package, chosen[package], streams) for package in sorted(chosen)}
    for package, row in rows.items():
        met = requirements(query, package) if asked["explain"] or asked["requirements"] else []
        row["needs"] = sorted({name for names in met for name in names} - {package.name}) if asked["explain"] else []
        if asked["requirements"]:
            row["requirements"] = met
    if asked["passes"]:
        for package, number in in_passes(base, query, asked["passes"]).items():
            rows[package]["pass"] = number
    return list(rows.values())


def requirements(query, package):
    """Return for each thing that a package needs the names of those that provide it."""
    return [sorted({other.name for other in query.filter(provides=need)}) for need in package.requires]


def in_passes(base, query, passes):
    """Return the pass in which each package comes: the first that asks for it, or for one that needs it.

    What comes by a group belongs to the first.
    """
    asked = [[one for name in names for one in wanted(base, name).intersection(query)] for names in passes]
    others = set(query) - needed(query, [package for packages in asked for package in packages])
    found = {}
    for number, packages in enumerate(asked):
        for package in needed(query, [*packages, *(others if number == 0 else ())]):
            found.setdefault(package, number)
    return found


def needed(query, packages):
    """Return packages and those that they need, and so on."""
    found = set()
    waiting = list(packages)
    while waiting:
        package = waiting.pop()
        if package not in found:
            found.add(package)
            waiting += [other for need in package.requires for other in query.filter(provides=need)]
    return found


def module_streams(base):
    """Return name and stream of the modules that are on, by the packages that belong to them."""
    container = base._moduleContainer
    active = [module for module in container.getModulePackages() if container.isModuleActive(module)]
    return {nevra: [one.getName(), one.getStream()] for one in active for nevra in one.getArtifacts()}


def description(package, reason, streams):
    """Return one package: what it is, where it is, why it is there."""
    epoch = f"{package.epoch}:" if package.epoch else ""
    kind, digest = package.chksum
    full = f"{package.name}-{package.epoch}:{package.version}-{package.release}.{package.arch}"
    return {
        "name": package.name,
        "version": f"{epoch}{package.version}-{package.release}",
        "arch": package.arch,
        "sum": binascii.hexlify(digest).decode() if kind in SUMS else "",
        "uri": package.remote_location(schemes=None) or "",
        "repository": package.repoid,
        "built": package.buildtime,
        "download": package.downloadsize,
        "size": package.installsize,
        "source": package.sourcerpm or "",
        "section": package.group or "",
        "licence": package.license or "",
        "homepage": package.url or "",
        "summary": package.summary or "",
        "reason": reason,
        "module": streams.get(full, []),
    }


if __name__ == "__main__":
    main()

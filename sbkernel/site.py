"""Site: one directory, its settings and its store; passed as an argument, never a global.

site.db  install/  boot/  catalog/  cache/  records/  schedules/  log/  jobs/  run/ (0700)  ssh/ (0700)  keys/ (0700)
With $SBKERNEL_DB the definitions lie on a PostgreSQL server, and there is no site.db.
share -> the templates of the program that opened it last, so that shipped osimages name a path that stays
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sbkernel import resources
from sbkernel.definitions.attributes import SITE, check_type
from sbkernel.definitions.collection import Collection, Groups, Nodes
from sbkernel.definitions.store.interface import Store, Transaction
from sbkernel.definitions.store.opening import open_store
from sbkernel.errors import DefinitionError, NotFoundError

# Listing definitions needs none of these, and they would be a third of the time that it takes to start.
if TYPE_CHECKING:
    import pandas as pd

    from sbkernel.definitions.clone import Clone
    from sbkernel.definitions.definition import Definition
    from sbkernel.definitions.editing.definition_diff import DefinitionDiff
    from sbkernel.definitions.importing.importer import ImportReport
    from sbkernel.definitions.makeclone import Home
    from sbkernel.definitions.objects import Changed
    from sbkernel.definitions.secret import Secret
    from sbkernel.definitions.store.history import Undone


class Site:
    """One site. Open it with `Site.open`; it is a context manager."""

    def __init__(self, root: Path, store: Store) -> None:
        self.root = root
        self.store = store
        self.osimages = Collection(store, "osimage")
        self.networks = Collection(store, "network")
        self.passwords = Collection(store, "passwd")
        self.nodes = Nodes(store)
        self.groups = Groups(store)
        self._collections = {
            "group": self.groups,
            "network": self.networks,
            "node": self.nodes,
            "osimage": self.osimages,
            "passwd": self.passwords,
        }

    @classmethod
    def open(cls, where: str | Path | None = None, *, create: bool = True) -> Site:
        """Open the site in `where`, else in $SBKERNEL_SITE, else in the user's data directory.

        A directory without a site becomes one, unless `create` is false: then NotFoundError. Safe when many
        processes do it at once and when one is killed: the first transaction makes the whole site or nothing.
        """
        root = site_directory(where)
        store = open_store(root, lambda transaction: _fill(transaction, root), create=create)
        _point(root / "share", resources.templates())
        return cls(root, store)

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Site({str(self.root)!r})"

    @property
    def installdir(self) -> Path:
        """Return xCAT's /install: images, lists, packages."""
        return _made(Path(self.attribute("installdir") or self.root / "install"))

    @property
    def boot(self) -> Path:
        """Return the directory that DHCP, TFTP and HTTP serve (xCAT's /tftpboot)."""
        return _made(Path(self.attribute("tftpdir") or self.root / "boot"))

    @property
    def catalog(self) -> Path:
        """Return the directory of packed images by digest."""
        return _made(self.root / "catalog")

    @property
    def cache(self) -> Path:
        """Return the directory of what can be made again: layers, downloaded packages."""
        return _made(self.root / "cache")

    @property
    def records(self) -> Path:
        """Return the directory of executed notebooks."""
        return _made(self.root / "records")

    @property
    def log(self) -> Path:
        """Return the directory of logs."""
        return _made(self.root / "log")

    @property
    def consoles(self) -> Path:
        """Return the directory of console logs, one file a node."""
        return _made(self.log / "consoles")

    @property
    def jobs(self) -> Path:
        """Return the directory of jobs, one directory each."""
        return _made(self.root / "jobs")

    @property
    def run(self) -> Path:
        """Return the directory of sockets and pid files, closed to others."""
        return _made(self.root / "run", mode=0o700)

    @property
    def http_port(self) -> int:
        """Return the TCP port of the boot server."""
        return int(self.attribute("httpport", "8080"))

    @property
    def syslog_port(self) -> int:
        """Return the port that takes the nodes' log lines."""
        return int(self.attribute("syslogport", "10514"))

    @property
    def address(self) -> str:
        """Return the address at which nodes on a real network reach this host; "" when unset."""
        return self.attribute("master")

    def attribute(self, key: str, default: str = "") -> str:
        """Return a setting of the site (xCAT's site table), or `default` when it is unset."""
        return (self.store.get("site", SITE) or {}).get(key, default)

    def noderange(self, text: str, *, excluded: bool = False) -> list[str]:
        """Return the nodes that a noderange names, sorted; unknown names raise NotFoundError.

        Nodes in the setting excludenodes are left out unless `excluded` asks for them, as definition verbs do.
        """
        from sbkernel.definitions.ranges.noderange import names, noderange
        from sbkernel.definitions.ranges.universe import NodeUniverse

        universe = NodeUniverse(self.store)
        nodes = noderange(text, universe)
        kept_out = "" if excluded else self.attribute("excludenodes")
        if not kept_out:
            return nodes
        without = set(names(kept_out, universe, "excludenodes of the site"))
        return [name for name in nodes if name not in without]

    def set(self, objtype: str, name: str, **attributes: str | int | None) -> None:
        """Create an object or change attributes of one; None or "" clears. DefinitionError when one is wrong."""
        self.change(objtype, {name: {key: None if v is None else str(v) for key, v in attributes.items()}})

    def change(self, objtype: str, changes: Mapping[str, Changed], what: str = "set") -> None:
        """Change many objects of a type in one transaction: all or, when one is wrong, none.

        A change is a mapping of new values, or a function of the values before that returns one.
        """
        from sbkernel.definitions.objects import change, look_ahead

        with self.store.write(what) as transaction:
            look_ahead(transaction, objtype, changes, ())
            for name, changed in changes.items():
                change(transaction, objtype, name, changed)

    def delete(self, objtype: str, name: str) -> None:
        """Remove an object; NotFoundError when there is none. A removed group leaves its members' lists."""
        from sbkernel.definitions.objects import remove

        if objtype == "site":
            raise DefinitionError(
                "the settings of the site cannot be removed", hint="sb chdef -t site KEY= clears one."
            )
        with self.store.write("delete") as transaction:
            found = remove(transaction, objtype, name)
        if not found:
            raise NotFoundError(f"Could not find an object named '{name}' of type '{objtype}'.")

    def import_from(self, path: str | Path, kind: str = "", *, dry_run: bool = False) -> ImportReport:
        """Import a stanza file, a directory of tabdump's tables or Warewulf's nodes.conf, in one change set.

        What is found is set, all else stays; the report lists what was not understood. `kind` is stanza, tabdump,
        warewulf, or "" to find out. ListFileError or DefinitionError when it is none of them; nothing is written then.
        """
        from sbkernel.definitions.importing.importer import import_path

        return import_path(self.store, path, kind, dry_run=dry_run)

    def export(self, *, reveal: bool = False) -> str:
        """Return all definitions as stanza text, for `import_from`; passwords are *** unless revealed."""
        from sbkernel.definitions.importing import stanzafile

        return stanzafile.render(stanzafile.stored(self.store), reveal=reveal)

    def all_of(self, objtype: str) -> Collection:
        """Return the objects of a type; DefinitionError when there is no such type."""
        check_type(objtype)
        return self._collections[objtype] if objtype in self._collections else Collection(self.store, objtype)

    def diff(self, a: str | Definition, b: str | Definition, objtype: str = "osimage") -> DefinitionDiff:
        """Compare two definitions of a type, or given as such from any site: attributes, and what their lists say."""
        from sbkernel.definitions.editing.definition_diff import DefinitionDiff

        return DefinitionDiff(*(self.all_of(objtype)[one] if isinstance(one, str) else one for one in (a, b)))

    def history(self, name: str = "", *, last: int = 0) -> pd.DataFrame:
        """Return change sets, oldest first: number, time, who, what, objects; only of objects called `name`."""
        from sbkernel.definitions.editing.dataframes import history

        return history(self.store.changes(name, last))

    def undo(self, number: int | None = None, *, force: bool = False) -> Undone:
        """Put back what a change set changed, else the last: the same as `sb undo`."""
        from sbkernel.definitions.store.history import undo

        return undo(self.store, number, force=force)

    def clone(self, source: str, name: str, to: Site | None = None) -> Definition:
        """Make a real clone of an osimage: own profile, rootimgdir and editable copies of its list files.

        The copies lie in <installdir>/custom/netboot/<distro>/<name>.*, of the site `to` when it is given: paths
        below this site are then below that one, and included files that it does not have are part of the copies.
        Refused when the name exists, or when an own file of that name with other content does. Nothing is left
        when it fails.
        """
        from sbkernel.definitions.makeclone import make_clone

        there = to or self
        make_clone(self.osimages[source], name, self._home, there._home)
        return there.osimages[name]

    def plan_clone(self, source: str, name: str) -> Clone:
        """Return the clone that clone() would make within this site; nothing is changed. It is refused as there."""
        from sbkernel.definitions.makeclone import check_clone

        return check_clone(self.osimages[source], name, self._home)

    @property
    def _home(self) -> Home:
        from sbkernel.definitions.makeclone import Home

        return Home(self.root, self.installdir, self.run, self.store)

    def secret(self, key: str, username: str | None = None) -> Secret | None:
        """Return the password of a passwd object, such as ipmi or system; None when there is none."""
        login = self.login(key, username)
        return None if login is None else login[1]

    def login(self, key: str, username: str | None = None) -> tuple[str, Secret] | None:
        """Return user and password of a passwd object: KEY:USER when it exists, else KEY if its user fits."""
        from sbkernel.definitions import access

        return access.login(self.store, key, username)

    def bmc_login(self, node: str | Definition) -> tuple[str, Secret]:
        """Return user and password of a node's BMC: the node's own, else those of passwd ipmi (or its mgt)."""
        from sbkernel.definitions import access

        return access.bmc_login(self.store, self.nodes[node] if isinstance(node, str) else node)

    def root_password_hash(self) -> Secret | None:
        """Return what root's line of the nodes' /etc/shadow holds; None: root has no password, only keys."""
        from sbkernel.definitions import access

        password = None if self.attribute("secureroot") == "1" else self.secret("system")
        if password is None or access.is_hash(password.reveal()):
            return password
        return access.sha512_crypt(password, access.salt_for(password, self.ssh_key.read_bytes()))

    @property
    def ssh_key(self) -> Path:
        """Return the private key of the site, made at first use; its public half lies beside it."""
        from sbkernel.definitions import access

        return access.ssh_key(_made(self.root / "ssh", mode=0o700))

    def authorized_keys(self) -> str:
        """Return the public keys that may log in as root on nodes; the site's own is always among them."""
        return self.authorize("")

    def authorize(self, public_keys: str) -> str:
        """Add public keys of root on nodes; return all. DefinitionError when a line is no public key."""
        from sbkernel.definitions import access

        own = self.ssh_key.with_suffix(".pub").read_text()
        return access.authorize(_made(self.installdir / "postscripts" / "_ssh") / "authorized_keys", own, public_keys)


def site_directory(where: str | Path | None = None) -> Path:
    """Return the directory of the site: `where`, $SBKERNEL_SITE, or sbkernel in the XDG data directory."""
    chosen = where or os.environ.get("SBKERNEL_SITE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return _default_directory()


def _default_directory() -> Path:
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data).absolute() / "sbkernel"


def _made(path: Path, mode: int = 0o755) -> Path:
    from sbkernel import files

    return files.made(path, mode)


def _point(link: Path, target: Path) -> None:
    with contextlib.suppress(OSError):
        if link.readlink() == target:
            return
    from sbkernel import files

    files.point(link, target)


def _fill(transaction: Transaction, root: Path) -> None:
    from sbkernel.definitions import newsite

    http, syslog = newsite.free_ports(preferred=(8080, 10514) if root == _default_directory() else None)
    transaction.put("site", SITE, newsite.site_values(http, syslog, newsite.host_timezone()))
    transaction.put_many("group", newsite.groups())
    for name, values in newsite.osimages(root / "share", root / "install").items():
        transaction.put("osimage", name, values)

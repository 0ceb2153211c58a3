"""Make a clone of an osimage: files and definition, or nothing when it fails."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import NamedTuple

from sbkernel.definitions import files
from sbkernel.definitions.cloning import clone
from sbkernel.definitions.cloning.relocate import Moved
from sbkernel.definitions.definition import Definition
from sbkernel.definitions.lookup import candidates, platform
from sbkernel.definitions.store.interface import Store, Transaction
from sbkernel.definitions.validate import check_values
from sbkernel.errors import DefinitionError
from sbkernel.files import in_turn


class Home(NamedTuple):
    """A site, as far as cloning has to know it."""

    root: Path
    installdir: Path
    run: Path
    store: Store


def make_clone(original: Definition, name: str, here: Home, there: Home) -> None:
    """Clone an osimage of one site in another, which may be the same; DefinitionError when the name is taken."""
    moved = _moved(here, there) if here.root.resolve() != there.root.resolve() else ()
    plan = clone.plan_clone(original, name, there.installdir, _fstab(original, here.installdir), moved)
    with in_turn(there.run / "clone.lock"), contextlib.ExitStack() as undo:
        _refuse_existing(there.store, name)
        files.copy_lists(plan.copies, undo)
        with there.store.write(f"clone {original.name}") as transaction:
            _insert(transaction, plan)
            # Lists without an osimage are harmless, an osimage without lists is not: keep them before the commit.
            undo.pop_all()


def _moved(here: Home, there: Home) -> Moved:
    return (here.root / "share", there.root / "share"), (here.installdir, there.installdir)


def _fstab(image: Definition, installdir: Path) -> Path | None:
    """Return the fstab that the site wrote for an image, if it did."""
    wanted = candidates(image.get("profile"), image.get("osvers"), image.get("osarch"), "fstab")
    where = installdir / "custom" / "netboot" / platform(image.get("osvers"))
    return next((where / name for name in wanted if (where / name).is_file()), None)


def _insert(transaction: Transaction, plan: clone.Clone) -> None:
    _refuse_existing(transaction, plan.name)
    check_values("osimage", plan.name, plan.values, plan.values)
    tree = plan.values["rootimgdir"]
    sharing = clone.sharing_rootimgdir(transaction.objects("osimage"), tree, plan.name)
    if sharing:
        raise DefinitionError(f"osimage {sharing[0]} is built in {tree} already", hint="Choose another name.")
    transaction.put("osimage", plan.name, plan.values)


def _refuse_existing(store: Store | Transaction, name: str) -> None:
    if store.get("osimage", name) is not None:
        raise DefinitionError(f"osimage {name} exists already", hint="Choose another name, or rmdef it first.")

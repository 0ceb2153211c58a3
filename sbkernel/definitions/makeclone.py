"""Make a clone of an osimage: files and definition, or nothing if it fails."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from sbkernel.definitions import clone
from sbkernel.definitions.clone import Clone, Copy, Moved, list_text
from sbkernel.definitions.definition import Definition
from sbkernel.definitions.listpaths import candidates, platform, rebase_includes
from sbkernel.definitions.store.interface import Store, Transaction
from sbkernel.definitions.validate import check_values
from sbkernel.errors import DefinitionError, SbkernelError
from sbkernel.files import in_turn, made, write_whole


class Home(NamedTuple):
    """What cloning needs to know of a site."""

    root: Path
    installdir: Path
    run: Path
    store: Store


def make_clone(original: Definition, name: str, here: Home, there: Home) -> None:
    """Clone an osimage from one site to another, or within one. Raises DefinitionError if the name is taken."""
    moved = _moved(here, there) if here.root.resolve() != there.root.resolve() else ()
    plan = clone.plan_clone(original, name, there.installdir, _fstab(original, here.installdir), moved)
    with in_turn(there.run / "clone.lock"), contextlib.ExitStack() as undo:
        _refuse_existing(there.store, name)
        _copy_lists(plan.copies, undo)
        with there.store.write(f"clone {original.name}") as transaction:
            _insert(transaction, plan)
            # Keep the lists before the commit: lists without an osimage are harmless, an osimage without lists is not.
            undo.pop_all()


def check_clone(original: Definition, name: str, here: Home) -> Clone:
    """Return the clone of an osimage that make_clone would make within a site; it raises as that does."""
    plan = clone.plan_clone(original, name, here.installdir, _fstab(original, here.installdir))
    _refuse_existing(here.store, name)
    for copy in plan.copies:
        content = _list_content(copy)
        if copy.target.exists():
            _refuse_other_content(copy, content)
    return plan


def _moved(here: Home, there: Home) -> Moved:
    return (here.root / "share", there.root / "share"), (here.installdir, there.installdir)


def _fstab(image: Definition, installdir: Path) -> Path | None:
    """Return the fstab that the site has for an image, if there is one."""
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


def _copy_lists(copies: Iterable[Copy], undo: contextlib.ExitStack) -> None:
    """Copy list files. `undo` removes the new ones. An existing file with other content is an error."""
    for copy in copies:
        content = _list_content(copy)
        made(copy.target.parent)
        if copy.target.exists():
            _refuse_other_content(copy, content)
            continue
        # Register the undo first: a write can fail after the file is in place, when its name is made durable.
        undo.callback(copy.target.unlink, missing_ok=True)
        write_whole(copy.target, content, mode=copy.source.stat().st_mode & 0o755, durable=True)


def _list_content(copy: Copy) -> bytes:
    try:
        data = copy.source.read_bytes()
    except OSError as error:
        raise SbkernelError(
            f"{copy.source}: {error.strerror}", hint="The osimage names it; chdef can correct it."
        ) from None
    if not copy.rebase:
        return data
    text = data.decode(errors="surrogateescape")
    directory = copy.source.parent
    whole = list_text(text, directory, copy.moved) if copy.moved else rebase_includes(text, directory)
    return whole.encode(errors="surrogateescape")


def _refuse_other_content(copy: Copy, content: bytes) -> None:
    if copy.target.read_bytes() != content:
        raise DefinitionError(
            f"{copy.target} exists already and differs from {copy.source}",
            hint="Choose another name for the clone, or remove that file.",
        )

"""The site's own scripts, as xCAT calls them: `script TREE osvers osarch profile arguments…` on the build host.

A script that reads more than its arguments says so in a comment of its own, `# sb-inputs: PATH…`, with paths relative
to its directory, wild cards, and whole directories; `# sb-inputs: none` says that it reads nothing else. The step that
runs it depends on all of these. A script that says nothing is run every time.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sbkernel import resources
from sbkernel.errors import BuildError, CommandError, DefinitionError, ListFileError
from sbkernel.files import made, write_whole
from sbkernel.images.tree.namespaces import enter
from sbkernel.jobs.report import Report
from sbkernel.lists.text import refusal, variables

_DECLARED = re.compile(r"^#\s*sb-inputs:[ \t]*(.*)$", re.MULTILINE)
_HEAD_BYTES = 16 * 1024
NONE = "none"


@dataclass(frozen=True)
class Script:
    """One script, its arguments, and the paths that it declares to read; None when it declares nothing."""

    path: Path
    arguments: tuple[str, ...] = ()
    reads: tuple[str, ...] | None = None


def scripts_of(attribute: str) -> tuple[Script, ...]:
    """Read the attribute postinstall, a comma list of `script argument…` (xCAT's genimage for the EL family).

    Raises DefinitionError for a script that is not there or not executable, ListFileError for a declaration of inputs
    that matches nothing.
    """
    return tuple(_script(*element.split()) for element in attribute.split(",") if element.split())


def _script(name: str, *arguments: str) -> Script:
    if error := refusal(Path(name), "postinstall"):
        raise DefinitionError(error.message, hint=error.hint)
    if not os.access(name, os.X_OK):
        raise DefinitionError(f"postinstall script {name} is not executable", hint=f"chmod +x {name}")
    return Script(Path(name), arguments, _declared(Path(name)))


def _declared(script: Path) -> tuple[str, ...] | None:
    """Return the patterns that a script declares in its first 16 KiB, made absolute."""
    with script.open("rb") as stream:
        head = stream.read(_HEAD_BYTES).decode(errors="replace")
    found: list[str] = []
    for match in _DECLARED.finditer(head):
        line = head.count("\n", 0, match.start()) + 1
        for word in match[1].split():
            if word == NONE:
                continue
            pattern = str(script.parent / word)
            if not _matching(pattern):
                raise ListFileError(script, line, f"sb-inputs names {word}, which is not there")
            found.append(pattern)
    return tuple(found) if _DECLARED.search(head) else None


def inputs(scripts: Sequence[Script]) -> list[dict[str, object]]:
    """Return all that the scripts are known to depend on beside the tree, as JSON-able data."""
    return [
        {"script": digest_of_file(one.path), "arguments": list(one.arguments), "reads": _read_by(one)}
        for one in scripts
    ]


def files_read(scripts: Sequence[Script]) -> Iterator[Path]:
    """Yield the files that scripts declare to read."""
    paths = (path for script in scripts for pattern in script.reads or () for path in _matching(pattern))
    return (file for path in paths for file in _files(path))


def _read_by(script: Script) -> dict[str, str]:
    return {str(file): digest_of_file(file) for file in files_read([script])}


def _matching(pattern: str) -> list[Path]:
    """Return the paths that an absolute pattern matches, sorted."""
    return sorted(Path("/").glob(pattern.lstrip("/")))


def _files(path: Path) -> Iterator[Path]:
    """Yield a file, or every file below a directory."""
    if not path.is_dir():
        yield path
        return
    for directory, folders, names in os.walk(path):
        folders.sort()
        yield from (Path(directory, name) for name in sorted(names))


def digest_of_file(path: Path) -> str:
    """Return the sha256 of a file's content with its permissions; of a link that leads nowhere, where it leads."""
    if not path.exists():
        return f"-> {path.readlink()}" if path.is_symlink() else ""
    with path.open("rb") as stream:
        return f"{hashlib.file_digest(stream, 'sha256').hexdigest()} {stat.S_IMODE(path.stat().st_mode):o}"


def declared(scripts: Sequence[Script]) -> bool:
    """Tell whether all scripts say what they read, so that running them again can be spared."""
    return all(script.reads is not None for script in scripts)


def environment(image: str, attributes: Mapping[str, str], root: Path, kernelver: str) -> dict[str, str]:
    """Return what the scripts find in their environment: environvar of the osimage, and what xCAT tells them.

    Empty values are left out, as in xCAT.
    """
    values: Mapping[str, str] = {
        "IMG_NAME": image,
        "IMG_ARCH": attributes.get("osarch", ""),
        "IMG_OSVER": attributes.get("osvers", ""),
        "IMG_KERNELVERSION": kernelver,
        "IMG_PROFILE": attributes.get("profile", ""),
        "IMG_PKGLIST": attributes.get("pkglist", ""),
        "IMG_PKGDIR": attributes.get("pkgdir", ""),
        "IMG_OTHERPKGLIST": attributes.get("otherpkglist", ""),
        "IMG_OTHERPKGDIR": attributes.get("otherpkgdir", ""),
        "IMG_ROOTIMGDIR": str(root),
    }
    own = variables(attributes.get("environvar", ""))
    return own | {key: value for key, value in values.items() if value}


def run_scripts(
    image: str, attributes: Mapping[str, str], scripts: Sequence[Script], root: Path, kernelver: str, report: Report
) -> None:
    """Run the scripts one after the other; raise BuildError at the first that fails.

    A `uname` that names the image's kernel comes first on their PATH, as in xCAT, and is what a chroot to the tree
    finds; it lies beside the tree.
    """
    programs, shipped = made(root.with_name("bin")), resources.templates() / "image"
    write_whole(programs / "uname", (shipped / "uname.sh").read_bytes(), mode=0o755)
    entered = ["sh", str(shipped / "scripted.sh"), str(root), str(programs / "uname")]
    env = environment(image, attributes, root, kernelver)
    env["PATH"] = f"{programs}:{env.get('PATH') or os.environ.get('PATH', os.defpath)}"
    implicit = [str(root), *(attributes.get(name, "") for name in ("osvers", "osarch", "profile"))]
    for number, script in enumerate(scripts, start=1):
        report.progress(number, len(scripts), script.path.name)
        try:
            enter(root, [*entered, str(script.path), *implicit, *script.arguments], env=env, on_line=report.log)
        except CommandError as error:
            raise BuildError(f"postinstall script {script.path} failed:\n{error.tail}") from error

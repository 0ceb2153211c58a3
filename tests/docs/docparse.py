"""Check commands of pages without running them: programs are known, and sb's own parsers take the words."""

import ast
import contextlib
import importlib
import io
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import click
from docblocks import Block, BlockError, steps

from sbkernel.cli.definitions import shims
from sbkernel.cli.group import group
from sbkernel.cli.main import VERB_GROUPS, VERBS, _site
from sbkernel.cli.verb import Verb, module_of
from sbkernel.errors import SbkernelError
from sbkernel.site import Site

OTHERS = frozenset(
    [
        "apptainer", "apt", "cat", "cd", "chmod", "cp", "createdb", "createuser", "crontab", "curl", "dumpxCATdb",
        "export", "git", "grep", "head", "install", "jupyter", "jupyterhub", "ls", "mkdir", "papermill", "pg_dump",
        "pip", "podman", "psql", "rm", "rsync", "sed", "skopeo", "ssh", "systemctl", "true",
    ]
)  # fmt: skip
"""Programs of others that pages may name."""
_BEFORE = frozenset(["sudo", "nice", "time", "env", "exec", "then", "do", "else", "if", "while", "until", "!", "{"])
_ENDS = re.compile(r"[;&|()\n]+")
_ROOT = group(VERB_GROUPS)


class WrongError(Exception):
    """What is wrong with one command."""


def check(block: Block) -> None:
    """Raise BlockError for the first command of a block that is wrong."""
    try:
        if block.language == "python":
            check_python(block.text)
        elif block.language == "ipython":
            check_shell("\n".join(line[1:] for line in block.text.splitlines() if line.startswith("%sb ")))
        elif block.language == "console":
            for step in steps(block):
                check_shell(step.command)
        else:
            check_shell(block.text)
    except WrongError as error:
        raise BlockError(block, str(error)) from None


def check_python(text: str) -> None:
    """Compile a program and look for what it imports."""
    try:
        tree = compile(text, "page", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError as error:
        raise WrongError(f"line {error.lineno}: {error.msg}") from None
    assert isinstance(tree, ast.Module)
    for node in ast.walk(tree):
        for module, name in _imports(node):
            try:
                found = importlib.import_module(module)
                assert not name or hasattr(found, name) or importlib.import_module(f"{module}.{name}")
            except ImportError as error:
                raise WrongError(f"from {module} import {name}: {error}") from None


def _imports(node: ast.AST) -> Iterator[tuple[str, str]]:
    if isinstance(node, ast.ImportFrom):
        yield from ((str(node.module), alias.name) for alias in node.names)
    elif isinstance(node, ast.Import):
        yield from ((alias.name, "") for alias in node.names)


def check_shell(text: str) -> None:
    """Let the shell read a script, and sb the words of each command in it."""
    done = subprocess.run(["sh", "-n"], input=text, capture_output=True, text=True)
    if done.returncode:
        raise WrongError(done.stderr.strip())
    for words in commands(text):
        check_command(words)


def commands(text: str) -> Iterator[list[str]]:
    """Yield the simple commands of a script, without redirections."""
    text = re.sub(r"<<-?\s*'?(\w+)'?.*?\n.*?^\s*\1$", "", text.replace("\\\n", " "), flags=re.MULTILINE | re.DOTALL)
    for line in text.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        command: list[str] = []
        for word in [*lexer, "\n"]:
            if _ENDS.fullmatch(word):
                if command := _bare(command):
                    yield command
                command = []
            else:
                command.append(word)


def _bare(words: list[str]) -> list[str]:
    """Return a command without what stands before it, and without redirections."""
    while words and (words[0] in _BEFORE or re.match(r"\w+=", words[0])):
        words = words[3:] if words[:2] == ["sudo", "-u"] else words[1:]
    if words and words[0] in ("done", "fi", "for", "}"):
        return []
    kept: list[str] = []
    words = [*words]
    while words:
        word = words.pop(0)
        if word in (">", ">>", "<", ">&", "2>"):
            words = words[1:]
        elif not (word.isdigit() and words and words[0] in (">", ">>", ">&")):
            kept.append(word)
    return kept


def check_command(words: list[str]) -> None:
    """Raise WrongError for a command that nobody would take."""
    program = Path(words[0]).name
    if words[:3] == ["python3", "-m", "sbkernel"]:
        if words[3:4] != ["test"]:
            check_sb([word for word in words[3:] if word != "--yes"])
    elif program == "sb":
        check_sb(words[1:])
    elif program in shims.NAMES:
        check_sb([program, *words[1:]])
    elif program not in OTHERS:
        raise WrongError(f"no program {words[0]!r} is known; name it in tests/docs/docparse.py if it is one")


def check_sb(words: list[str]) -> None:
    """Let the parser of a verb read its words; nothing is opened, nothing is done."""
    _, rest = _site(words)
    if rest and not rest[0].startswith("-") and rest[0] not in VERBS:
        raise WrongError(f"there is no verb {rest[0]!r}")
    found = module_of(rest[0]).command if rest and rest[0] in VERBS else None
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = _opened(found, rest[1:]) if isinstance(found, Verb) else _parsed(_ROOT, "sb", rest, None)
    except (click.ClickException, SbkernelError) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        raise WrongError(f"sb {shlex.join(words)}: {message}") from None
    if code:
        raise WrongError(f"sb {shlex.join(words)}: {said.getvalue().strip()}")


class _Opened(BaseException):
    """All words were read."""


def _opened(verb: Verb, words: list[str]) -> int:
    """Run a verb of xCAT until it wants to open the site, which it does when it has read its words."""
    with mock.patch.object(Site, "open", side_effect=_Opened):
        try:
            return verb.run(None, words)
        except _Opened:
            return 0


def _parsed(command: click.Command, name: str, words: list[str], parent: click.Context | None) -> int:
    try:
        with command.make_context(name, list(words), parent=parent) as ctx:
            if isinstance(command, click.Group) and (rest := [*ctx._protected_args, *ctx.args]):
                verb, one, rest = command.resolve_command(ctx, rest)
                assert one is not None and verb is not None
                return _parsed(one, verb, rest, ctx)
    except click.exceptions.Exit as ended:
        return ended.exit_code
    return 0


def check_inline(block: Block) -> None:
    """Check a command within the text, which may be cut short: the verb is there, and so are the options."""
    words = block.text.replace("…", " ").split()[1:]
    verb = words[0]
    if verb in ("VERB", "-h", "--help", "--site"):
        return
    if verb not in VERBS:
        raise BlockError(block, f"there is no verb {verb!r}")
    found = module_of(verb).command
    if isinstance(found, Verb):
        return
    known = {"-h", "--help"} | set(_options(found))
    for word in words[1:]:
        option = word.partition("=")[0].strip("[]")
        if re.fullmatch(r"-[A-Za-z]|--[a-z][a-z-]*", option) and option not in known:
            raise BlockError(block, f"sb {verb} has no option {option}")


def _options(command: click.Command) -> Iterator[str]:
    for one in command.params:
        yield from (*one.opts, *one.secondary_opts) if isinstance(one, click.Option) else ()
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        yield from _options(inner)

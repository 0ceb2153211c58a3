"""Secrets print as ***; a reference says where one is, and is resolved only when the secret is needed."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbkernel.definitions.attributes import TYPES, attributes_of, is_secret
from sbkernel.definitions.definition import Definition, printable
from sbkernel.definitions.secret import HIDDEN, Secret, is_reference, resolve, shown, stored
from sbkernel.errors import DefinitionError, SbkernelError

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@given(st.text())
def test_what_is_stored_as_literal_comes_back_as_it_was(value: str) -> None:
    assert resolve(stored(value)).reveal() == value
    assert not is_reference(stored(value))
    assert shown(stored(value)) in ("", HIDDEN)


@pytest.mark.parametrize("value", ["env:X", "file:/x", "keyring:x", "text:x", HIDDEN])
def test_literals_that_look_like_something_else_are_marked(value: str) -> None:
    assert stored(value) == f"text:{value}"
    assert stored("plain:x") == "plain:x"


@pytest.mark.parametrize("reference", ["env:X", "file:/etc/bmc", "keyring:bmc"])
def test_a_reference_is_shown_and_its_secret_is_not(reference: str) -> None:
    assert shown(reference) == reference
    assert printable("passwd", {"username": "root", "password": reference}) == {
        "username": "root",
        "password": reference,
    }
    assert printable("node", {"bmcpassword": "hunter2"}) == {"bmcpassword": HIDDEN}


def test_environment_and_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("BMC", "hunter2")
    (tmp_path / "pw").write_text("hunter3\nmore\n")
    assert resolve("env:BMC") == Secret("hunter2")
    assert resolve(f"file:{tmp_path}/pw") == Secret("hunter3")
    monkeypatch.delenv("BMC")
    with pytest.raises(DefinitionError, match=r"kept in \$BMC, which is not set"):
        resolve("env:BMC")
    with pytest.raises(DefinitionError, match="which cannot be read"):
        resolve(f"file:{tmp_path}/none")


def run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{HERE}", **environment}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=inherited, check=False)


def test_keyring(tmp_path: Path) -> None:
    (tmp_path / "sbkernel-bmc").write_text("hunter2")
    code = """
from sbkernel.definitions.secret import resolve
from sbkernel.errors import DefinitionError
print(resolve("keyring:bmc"), resolve("keyring:bmc").reveal())
for name in ("absent", "locked"):
    try: resolve(f"keyring:{name}")
    except DefinitionError as error: print(error)
"""
    done = run(code, PYTHON_KEYRING_BACKEND="keyring_in_a_file.Keyring", KEYRING_DIRECTORY=str(tmp_path))
    assert done.stdout == (
        "*** hunter2\n"
        "the system keyring has no entry absent of sbkernel\n"
        "  keyring set sbkernel absent\n"
        "the secret is kept in the system keyring as locked, which cannot be read: KeyringLocked\n"
        "  Is it unlocked, and does this login have one? A service has none: use file:PATH or env:NAME there.\n"
    ), done.stderr


def test_host_without_a_keyring() -> None:
    done = run(
        "from sbkernel.definitions.secret import resolve\nresolve('keyring:bmc')",
        PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring",
    )
    assert "which cannot be read: NoKeyringError" in done.stderr


def test_keyring_package_is_optional_and_loaded_late() -> None:
    code = """
import sys
import sbkernel.definitions.secret as secret
assert "keyring" not in sys.modules
sys.modules["keyring"] = None  # as Python does for a module that cannot be imported
secret.resolve("keyring:bmc")
"""
    error = run(code).stderr
    assert "ToolMissingError" in error
    assert "pip install 'sbkernel[keyring]'" in error


def test_a_secret_leaves_through_reveal_alone() -> None:
    secret = Secret("hunter2")
    definition = Definition.of("node", "n1", {"bmcpassword": "hunter2", "mgt": "ipmi"})
    for text in (repr(secret), str(secret), f"{secret}", repr(definition), repr(definition.attributes)):
        assert "hunter2" not in text
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_attributes_named_like_passwords_are_secret() -> None:
    likely = ("password", "passwd", "authkey", "privkey")
    for objtype in TYPES:
        for name in attributes_of(objtype):
            if name.lower().endswith(likely):
                assert is_secret(objtype, name), f"{objtype}.{name}"
    assert is_secret("node", "openbmc.password")
    assert not is_secret("node", "nodehm.comments")
    assert not is_secret("site", "password")


def test_no_error_of_a_value_quotes_a_secret() -> None:
    from sbkernel.definitions.validate import check_values

    for objtype in TYPES:
        for name in filter(lambda name: is_secret(objtype, name), attributes_of(objtype)):
            with pytest.raises(SbkernelError) as caught:
                check_values(objtype, "x", {name: "hunter2\x01"}, {"mgt": "ipmi"})
            assert "hunter2" not in str(caught.value)


def test_reveal_is_asked_for_by_name() -> None:
    definition = Definition.of("passwd", "ipmi", {"username": "root", "password": "hunter2"})
    assert definition.revealed().attributes.shown() == {"password": "hunter2", "username": "root"}
    assert definition.attributes.shown()["password"] == HIDDEN

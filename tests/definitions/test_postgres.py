"""What the store on a server adds to the contract: servers go away, and passwords are in URLs."""

import subprocess
import sys
import urllib.parse
from pathlib import Path

import psycopg
import pytest
from postgres_server import PASSWORD, PostgresServer

from sbkernel.definitions.store import postgres as module
from sbkernel.definitions.store.dburl import redacted, secrets
from sbkernel.definitions.store.postgres import PostgresStore
from sbkernel.errors import NotFoundError, SbkernelError
from sbkernel.site import Site

QUOTED = urllib.parse.quote(PASSWORD, safe="")


def put(store: PostgresStore, name: str, **values: str) -> None:
    with store.write("test") as transaction:
        transaction.put("node", name, values)


def test_password_by_tcp(postgres: PostgresServer) -> None:
    store = PostgresStore(postgres.tcp_url(QUOTED))
    put(store, "n1", groups="all")
    store.close()
    assert PostgresStore(postgres.url).names("node") == ["n1"]


def test_wrong_password_is_not_repeated(postgres: PostgresServer) -> None:
    with pytest.raises(SbkernelError) as refused:
        PostgresStore(postgres.tcp_url("wr%40ng-one"))
    assert "definitions cannot be read" in str(refused.value)
    assert not [part for part in ("wr%40ng", "wr@ng", "ng-one") if part in str(refused.value)]


NO_URLS = [
    "mysql://u:secret@h/d", "u:secret@h", "postgresql://u:se cret@h/d", "postgresql://u:se@cret@h/d",
    "postgresql://u:se/cret@h/d", "postgresql:u:secret@h/d", "secret",
]  # fmt: skip


@pytest.mark.parametrize("url", NO_URLS)
def test_what_is_no_url_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(SbkernelError, match="SBKERNEL_DB") as refused:
        PostgresStore(url)
    assert "cret" not in str(refused.value)


def test_every_part_of_a_password_is_hidden() -> None:
    url = "postgresql://u:a%40b@host/db?sslpassword=deep"
    assert secrets(url) == {"a%40b", "a@b", "deep"}
    assert redacted(url, "a@b deep host") == "*** *** host"
    assert secrets("postgresql://host/db") == set()


def test_no_server_says_so(tmp_path: Path) -> None:
    with pytest.raises(SbkernelError, match="definitions cannot be read or written") as refused:
        PostgresStore(f"postgresql://u:secret@/db?host={tmp_path}")
    assert "Does the server run" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_server_that_was_restarted_is_found_again(postgres: PostgresServer) -> None:
    store = PostgresStore(postgres.url)
    put(store, "n1", groups="all")
    postgres.stop()
    with pytest.raises(SbkernelError, match="cannot be read"):
        store.names("node")
    postgres.start()
    assert store.names("node") == ["n1"]
    put(store, "n2", groups="all")
    assert store.members("all") == ["n1", "n2"]


def test_server_that_goes_away_within_a_change_leaves_nothing_of_it(postgres: PostgresServer) -> None:
    store = PostgresStore(postgres.url)
    with pytest.raises(SbkernelError), store.write("test") as transaction:
        transaction.put("node", "n1", {"groups": "all"})
        transaction.flush()
        postgres.stop()
        transaction.put("node", "n2", {"groups": "all"})
    postgres.start()
    assert (store.names("node"), store.groups(), store.changes()) == ([], [], [])
    put(store, "n3", groups="all")


def test_newer_format_is_refused(postgres: PostgresServer) -> None:
    PostgresStore(postgres.url).close()
    with psycopg.connect(postgres.url) as db:
        db.execute("UPDATE sbkernel.format SET version = 99")
    with pytest.raises(SbkernelError, match="format 99 is not 3"):
        PostgresStore(postgres.url)


def test_user_without_rights_is_told(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as db:
        db.execute("DROP ROLE IF EXISTS guest")
        db.execute("CREATE ROLE guest LOGIN")
    with pytest.raises(SbkernelError, match="permission denied") as refused:
        PostgresStore(postgres.url.replace("//sbkernel@", "//guest@"))
    assert "create a schema" in str(refused.value)


def test_held_too_long_says_so(postgres: PostgresServer, monkeypatch) -> None:
    store = PostgresStore(postgres.url)
    monkeypatch.setattr(module, "LOCK_TIMEOUT_S", 0.1)
    other = PostgresStore(postgres.url)
    with store.write("test"), pytest.raises(SbkernelError, match="lock timeout"), other.write("test"):
        pass
    put(other, "n1", groups="all")


def test_errors_do_not_repeat_what_was_to_be_stored(postgres: PostgresServer) -> None:
    store = PostgresStore(postgres.url)
    with psycopg.connect(postgres.url) as db:
        db.execute("ALTER TABLE sbkernel.object ADD CHECK (objtype <> 'passwd')")
    with pytest.raises(SbkernelError) as refused, store.write("test") as transaction:
        transaction.put("passwd", "system", {"password": "geheim"})
    assert "geheim" not in str(refused.value)


def test_site_on_a_server_needs_no_file(postgres: PostgresServer, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SBKERNEL_DB", postgres.url)
    with pytest.raises(NotFoundError, match="holds no site"):
        Site.open(tmp_path / "one", create=False)
    with Site.open(tmp_path / "one") as site:
        images, port = list(site.osimages), site.http_port
    with Site.open(tmp_path / "one", create=False) as again:
        assert (list(again.osimages), again.http_port) == (images, port)
    assert not (tmp_path / "one" / "site.db").exists()


def test_embedded_site_does_not_import_psycopg(tmp_path: Path) -> None:
    code = (
        "import sys; from sbkernel.site import Site\n"
        f"Site.open({str(tmp_path)!r}).close()\nassert 'psycopg' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

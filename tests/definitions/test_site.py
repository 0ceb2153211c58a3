"""A site: made once, by one of many, whole or not at all; its settings, secrets and keys."""

import multiprocessing
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import until

from sbkernel.errors import DefinitionError, NotFoundError
from sbkernel.site import Site, site_directory

COMPUTE = "debian12-x86_64-netboot-compute"


@pytest.fixture
def site(tmp_path: Path):
    with Site.open(tmp_path / "site") as opened:
        yield opened


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_new_site_ships_images_whose_lists_exist(site: Site) -> None:
    assert list(site.osimages) == [COMPUTE, "debian12-x86_64-netboot-service"]
    for image in site.osimages.values():
        assert Path(image.get("pkglist")).is_file()
        assert Path(image.get("exlist")).is_file()
        assert image.get("rootimgdir").startswith(str(site.root / "install" / "netboot" / "debian12" / "x86_64"))
    assert site.http_port != site.syslog_port
    assert site.address == ""


def test_database_is_closed_to_others_from_creation(site: Site) -> None:
    site.set("passwd", "ipmi", username="admin", password="hush")
    files = sorted(site.root.glob("site.db*"))
    assert files
    assert all(mode(file) == 0o600 for file in files)
    assert mode(site.run) == 0o700


def test_opening_again_changes_nothing(site: Site) -> None:
    before = (site.http_port, site.syslog_port, site.store.objects("osimage"))
    with Site.open(site.root) as again:
        assert (again.http_port, again.syslog_port, again.store.objects("osimage")) == before
    assert [change.what for change in site.store.changes()] == ["new site"]


def test_site_directory_comes_from_the_environment(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SBKERNEL_SITE", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert site_directory() == tmp_path / "xdg" / "sbkernel"
    monkeypatch.setenv("SBKERNEL_SITE", str(tmp_path / "env"))
    assert site_directory() == tmp_path / "env"
    assert site_directory(tmp_path / "given") == tmp_path / "given"


def test_open_without_create_wants_a_site(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        Site.open(tmp_path / "none", create=False)
    assert not (tmp_path / "none").exists()


def _open_and_report(root: str, queue) -> None:
    with Site.open(root) as site:
        queue.put((site.http_port, list(site.osimages), site.authorized_keys()))


def test_many_processes_open_one_new_site_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    workers = [context.Process(target=_open_and_report, args=(str(tmp_path), queue)) for _ in range(8)]
    for worker in workers:
        worker.start()
    seen = [queue.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert len({ports for ports, _, _ in seen}) == 1
    assert len({keys for _, _, keys in seen}) == 1


@pytest.mark.parametrize("made", [".", "site.db", "site.db-wal", "ssh", "ssh/id_ed25519", "install/postscripts"])
def test_killed_while_it_is_made_leaves_a_site_or_none(tmp_path: Path, made: str) -> None:
    code = f"from sbkernel.site import Site\nSite.open({str(tmp_path / 's')!r}).authorized_keys()"
    process = subprocess.Popen([sys.executable, "-c", code])
    # Some are there for a moment only: then the process has ended before it is killed.
    until(lambda: (tmp_path / "s" / made).exists() or process.poll() is not None, every_s=0.0005)
    process.kill()
    process.wait()
    with Site.open(tmp_path / "s") as site:
        assert len(site.osimages) == 2
        assert site.http_port
        assert site.ssh_key.read_text().startswith("-----BEGIN OPENSSH")
        assert "ssh-ed25519" in site.authorized_keys()


def test_half_made_database_is_filled_whole(tmp_path: Path, monkeypatch) -> None:
    def broken(*_: object) -> dict[str, dict[str, str]]:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr("sbkernel.definitions.newsite.osimages", broken)
        with pytest.raises(RuntimeError):
            Site.open(tmp_path)
    tables = sqlite3.connect(tmp_path / "site.db").execute("SELECT name FROM sqlite_master").fetchall()
    assert tables == []
    with Site.open(tmp_path) as site:
        assert len(site.osimages) == 2


def test_ssh_key_is_real_and_private(site: Site) -> None:
    assert mode(site.ssh_key) == 0o600
    public = subprocess.run(["ssh-keygen", "-y", "-f", site.ssh_key], capture_output=True, text=True, check=True)
    assert public.stdout.split()[:2] == site.authorized_keys().split()[:2]
    assert site.authorized_keys() == site.authorized_keys()


def test_authorize_adds_a_key_once_and_refuses_what_is_none(site: Site) -> None:
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF0yMfK0KBJiBFmW3zvjtR alice@desk"
    site.authorize(f"{other}\n")
    assert site.authorize(f"{other}\n").count(other) == 1
    with pytest.raises(DefinitionError, match="line 1"):
        site.authorize("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert len(site.authorized_keys().splitlines()) == 2


def test_secrets_resolve_from_values_and_references(site: Site, monkeypatch, tmp_path: Path) -> None:
    assert site.secret("ipmi") is None
    site.set("passwd", "ipmi", username="admin", password="hush")
    site.set("passwd", "ipmi:other", username="other", password="env:OTHER_PASSWORD")
    (tmp_path / "pw").write_text("from file\n")
    site.set("passwd", "openbmc", username="root", password=f"file:{tmp_path / 'pw'}")
    monkeypatch.setenv("OTHER_PASSWORD", "loud")
    assert [s.reveal() for s in (site.secret("ipmi"), site.secret("ipmi", "other"), site.secret("openbmc")) if s] == [
        "hush", "loud", "from file",
    ]  # fmt: skip
    assert site.secret("ipmi", "nobody") is None
    monkeypatch.delenv("OTHER_PASSWORD")
    with pytest.raises(DefinitionError, match="OTHER_PASSWORD"):
        site.secret("ipmi", "other")


def test_bmc_login_prefers_the_node_then_the_site(site: Site) -> None:
    site.set("node", "n1", groups="all", mgt="ipmi", bmc="bmc1")
    with pytest.raises(DefinitionError, match="n1"):
        site.bmc_login("n1")
    site.set("passwd", "ipmi", username="admin", password="hush")
    assert (site.bmc_login("n1")[0], site.bmc_login("n1")[1].reveal()) == ("admin", "hush")
    site.set("node", "n1", bmcusername="me", bmcpassword="mine")
    assert (site.bmc_login("n1")[0], site.bmc_login("n1")[1].reveal()) == ("me", "mine")


def test_secrets_never_print(site: Site) -> None:
    site.set("passwd", "ipmi", username="admin", password="hush")
    site.set("node", "n1", groups="all", mgt="ipmi", bmcpassword="hush")
    printed = f"{site.secret('ipmi')!r} {site.secret('ipmi')} {site.nodes['n1']} {site.nodes['n1'].attributes}"
    assert "hush" not in printed
    assert "***" in printed


def test_root_password_is_hashed_as_crypt_does(site: Site) -> None:
    assert site.root_password_hash() is None
    site.set("passwd", "system", username="root", password="hush")
    hashed = site.root_password_hash()
    assert hashed is not None
    assert hashed.reveal().startswith("$6$")
    salt = hashed.reveal().split("$")[3]
    known = subprocess.run(
        ["perl", "-e", "print crypt('hush', '$6$rounds=100000$' . $ARGV[0] . '$')", salt],
        capture_output=True,
        text=True,
    )
    assert known.stdout == hashed.reveal()
    site.set("site", "clustersite", secureroot="1")
    assert site.root_password_hash() is None


def test_installdir_and_tftpdir_follow_the_site_table(site: Site, tmp_path: Path) -> None:
    assert site.installdir == site.root / "install"
    site.set("site", "clustersite", installdir=str(tmp_path / "install2"), tftpdir=str(tmp_path / "tftp"))
    assert (site.installdir, site.boot) == (tmp_path / "install2", tmp_path / "tftp")
    assert site.installdir.is_dir()


def test_share_follows_the_program(site: Site, tmp_path: Path) -> None:
    link = site.root / "share"
    link.unlink()
    link.symlink_to(tmp_path / "gone")
    with Site.open(site.root) as again:
        assert Path(again.osimages[COMPUTE].get("pkglist")).is_file()

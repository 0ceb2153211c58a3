"""Notices reach a real mail server, a real web server and a program, or it is said that they did not."""

from __future__ import annotations

import email
import json
import socket
import threading
from collections.abc import Iterator
from email import policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from smtpsink import mail_sink

from sbkernel.errors import DefinitionError
from sbkernel.records.schedules import definition, guard, last, notices
from sbkernel.records.schedules.definition import Schedule, Tell
from sbkernel.site import Site

FACTS = {
    "schedule": "nightly", "status": "failed", "why": "ValueError: ☃\nFrom: nobody", "notebook": "build",
    "record": "/site/records/x.ipynb", "started": "2026-11-29T02:00:00+00:00", "ended": "2026-11-29T02:01:00+00:00",
    "host": "head", "site": "/site", "run": "0123",
}  # fmt: skip
AT_ONCE = (0.0, 0.0)


class Hook(ThreadingHTTPServer):
    """What was posted, and with which status each post is answered."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.answers: list[int] = []
        self.posts: list[tuple[str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook/very-secret"


class _Post(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        assert self.headers["Content-Type"] == "application/json"
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.posts.append((self.path, said))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 204)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as server:
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server
        server.shutdown()


def schedule(**tell: str) -> Schedule:
    return Schedule(name="nightly", notebook="build", kind="daily", at="02:00", tell=Tell(**tell))  # type: ignore[arg-type]


def test_mail_reaches_the_server_of_the_site_at_the_second_try(site: Site) -> None:
    with mail_sink(refusals=1) as sink:
        site.set("site", "clustersite", mailserver=sink.place, mailfrom="cluster@example.org")
        assert notices.deliver(site, schedule(mail="admin@example.org"), FACTS, waits_s=AT_ONCE) == []
    (message,) = (email.message_from_bytes(text.encode(), policy=policy.default) for text in sink.messages)
    assert message["Subject"] == "sbkernel: nightly failed on head"
    assert (message["From"], message["To"]) == ("cluster@example.org", "admin@example.org")
    said = message.get_content()
    assert "why:      ValueError: ☃" in said and "record:   /site/records/x.ipynb" in said
    assert sum("rcpt to:<admin@example.org>" in command.lower() for command in sink.commands) == 1


def test_a_password_is_not_sent_without_tls(site: Site) -> None:
    site.set("passwd", "smtp", username="cluster", password="planted-secret")
    with mail_sink() as sink:
        site.set("site", "clustersite", mailserver=sink.place)
        (untold,) = notices.deliver(site, schedule(mail="admin"), FACTS, waits_s=())
    assert untold == "mail: 127.0.0.1 takes no TLS, and a password is not sent without it"
    assert sink.messages == [] and "AUTH" not in " ".join(sink.commands)


@pytest.mark.parametrize(("program", "words"), [("sendmail", "-i -t"), ("mail", "-s sbkernel: nightly failed on head")])
def test_without_a_server_the_mailer_of_the_host_is_used(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, words: str
) -> None:
    made = tmp_path / program
    made.write_text(f"#!/bin/sh\n(echo \"$@\"; cat) > '{tmp_path}/got'\n")
    made.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(notices, "_has", lambda name: name == program)
    assert notices.deliver(site, schedule(mail="admin@example.org"), FACTS, waits_s=()) == []
    first, rest = (tmp_path / "got").read_text().split("\n", 1)
    assert first.startswith(words) and "status" in rest
    assert "admin@example.org" in (first if program == "mail" else rest)


def test_a_webhook_whose_url_is_a_secret_gets_json(site: Site, hook: Hook, tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"{hook.url}\n")
    hook.answers = [503]
    told = schedule(webhook=f"file:{tmp_path / 'url'}")
    assert notices.deliver(site, told, FACTS, waits_s=AT_ONCE) == []
    assert hook.posts == [("/hook/very-secret", FACTS)] * 2


@pytest.mark.parametrize("answer", [500, 404, 302])
def test_a_webhook_that_does_not_take_it_is_said_without_its_url(site: Site, hook: Hook, answer: int) -> None:
    hook.answers = [answer] * 3
    (untold,) = notices.deliver(site, schedule(webhook=hook.url), FACTS, waits_s=AT_ONCE)
    assert untold == f"webhook: 127.0.0.1 answered {answer}"
    assert len(hook.posts) == 3


def test_what_fails_keeps_nobody_else_from_being_told(
    site: Site, hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notices, "_has", lambda _name: False)
    program = tmp_path / "told"
    program.write_text("#!/bin/sh\necho no disk >&2\nexit 4\n")
    program.chmod(0o755)
    told = schedule(mail="root", webhook=hook.url, command=str(program))
    first, second = notices.deliver(site, told, FACTS, waits_s=())
    assert first.startswith("mail: there is neither sendmail nor mail here") and "mailserver=HOST" in first
    assert second.startswith("command: ") and second.endswith(" failed with exit status 4: no disk")
    assert len(hook.posts) == 1


def test_a_reference_that_leads_nowhere_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOOK", raising=False)
    (untold,) = notices.deliver(site, schedule(webhook="env:HOOK"), FACTS, waits_s=())
    assert untold == "webhook: the secret is kept in $HOOK, which is not set"


def test_a_notice_that_does_not_arrive_is_in_exit_status_log_and_list(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(notices.deliver, "__kwdefaults__", {"waits_s": ()})
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    gone = Schedule(
        name="small", notebook=str(tmp_path / "gone.ipynb"), kind="hourly",
        tell=Tell(webhook=f"http://127.0.0.1:{port}/very-secret"),
    )  # fmt: skip
    definition.save(site, gone)
    assert guard.guarded_run(site, "small") == guard.UNTOLD
    said = capfd.readouterr().err
    found = last.read(site, "small")
    assert found is not None and found.status == "failed" and not found.ok
    for text in (said, found.untold, last.log_file(site, "small").read_text()):
        assert "webhook: 127.0.0.1: [Errno 111] Connection refused" in text and "very-secret" not in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mail", "-oQ/tmp"), ("mail", "a@b\nBcc: c@d"), ("mail", "a b"), ("webhook", "ftp://host/x"), ("webhook", "x"),
        ("webhook", "http:///x"), ("webhook", "http://host:99999/"), ("webhook", "http://h/\r\nX: y"),
        ("command", "mail"),
    ],
)  # fmt: skip
def test_what_can_never_arrive_is_refused(name: str, value: str) -> None:
    with pytest.raises(DefinitionError):
        Tell(**{name: value}).check()  # type: ignore[arg-type]


def test_a_reference_is_looked_at_when_it_is_used(site: Site, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("ftp://planted-secret/\n")
    (untold,) = notices.deliver(site, schedule(webhook=f"file:{tmp_path / 'url'}"), FACTS, waits_s=())
    assert untold == "webhook: the webhook is no URL"

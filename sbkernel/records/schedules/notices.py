"""Tell people how a run ended: by mail, by a webhook and by a program of theirs, each tried a few times.

RFC 5321 (SMTP), sendmail(8), mail(1).
"""

from __future__ import annotations

import json
import shutil
import smtplib
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

from sbkernel.definitions.secret import resolve
from sbkernel.errors import SbkernelError, ToolMissingError
from sbkernel.jobs.command import SBIN
from sbkernel.jobs.run import run
from sbkernel.records.schedules import environment
from sbkernel.records.schedules.definition import Schedule, check_url
from sbkernel.site import Site

WAITS_S = (1.0, 4.0)
"""How long to wait before the second try, and before the third."""
_TIMEOUT_S = 20.0
_COMMAND_TIMEOUT_S = 120.0
_TRIED = (OSError, smtplib.SMTPException, SbkernelError, ValueError)

Facts = Mapping[str, Any]
"""What is told: schedule, site, host, notebook, status, why, started, ended, record, run."""


def deliver(site: Site, schedule: Schedule, facts: Facts, *, waits_s: Sequence[float] = WAITS_S) -> list[str]:
    """Send a notice in each way that the schedule names; return a line for each that did not arrive."""
    ways: dict[str, Callable[[Site, Schedule, Facts], None]] = {"mail": _mail, "webhook": _post, "command": _call}
    told = ((name, send) for name, send in ways.items() if getattr(schedule.tell, name))
    lines = (_tried(name, lambda send=send: send(site, schedule, facts), waits_s) for name, send in told)  # type: ignore[misc]
    return [line for line in lines if line]


def _tried(name: str, send: Callable[[], None], waits_s: Sequence[float]) -> str:
    """Return "" when it was sent, else why not. What is missing here will be missing in four seconds."""
    for wait_s in (*waits_s, None):
        try:
            send()
        except ToolMissingError as error:
            return f"{name}: {error.message}; {error.hint}"
        except _TRIED as error:
            why = error.message if isinstance(error, SbkernelError) else str(error) or type(error).__name__
            if wait_s is None:
                return f"{name}: {' '.join(why.split())}"
            time.sleep(wait_s)
        else:
            break
    return ""


def text(facts: Facts) -> str:
    """Return a notice as people read it."""
    lines = [f"{name + ':':<10}{facts[name]}" for name in _SHOWN if facts.get(name)]
    return "\n".join(lines) + "\n"


_SHOWN = ("schedule", "status", "why", "notebook", "record", "started", "ended", "host", "site")


def message(site: Site, to: str, facts: Facts) -> EmailMessage:
    """Return a notice as mail."""
    made = EmailMessage()
    made["Subject"] = f"sbkernel: {facts['schedule']} {facts['status']} on {facts['host']}"
    made["From"] = site.attribute("mailfrom") or f"sbkernel@{socket.getfqdn()}"
    made["To"] = to
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answers it
    made.set_content(text(facts))
    return made


def _mail(site: Site, schedule: Schedule, facts: Facts) -> None:
    """Send mail through the server that the site names, else by sendmail, else by mail."""
    made = message(site, schedule.tell.mail, facts)
    server = site.attribute("mailserver")
    if server:
        _submit(site, server, made)
    elif _has("sendmail"):
        run(["sendmail", "-i", "-t"], input=made.as_bytes(), timeout_s=_TIMEOUT_S)
    elif _has("mail"):
        words = ["mail", "-s", str(made["Subject"]), schedule.tell.mail]
        run(words, input=text(facts), timeout_s=_TIMEOUT_S)
    else:
        raise ToolMissingError(
            "there is neither sendmail nor mail here, and the site names no mail server",
            hint="sb chdef -t site mailserver=HOST, or install a mailer such as msmtp-mta",
        )


def has_mailer(site: Site) -> bool:
    """Tell whether mail can be sent at all."""
    return bool(site.attribute("mailserver")) or _has("sendmail") or _has("mail")


def _has(program: str) -> bool:
    return shutil.which(program, path=":".join(("/usr/bin", "/bin", *SBIN))) is not None


def _submit(site: Site, server: str, made: EmailMessage) -> None:
    host, _, port = server.rpartition(":") if server.rpartition(":")[2].isdigit() else (server, "", "25")
    login = site.login("smtp")
    with smtplib.SMTP(host.strip("[]"), int(port), timeout=_TIMEOUT_S) as connection:
        connection.ehlo()
        if connection.has_extn("starttls"):
            connection.starttls()
            connection.ehlo()
        elif login:
            raise smtplib.SMTPException(f"{host} takes no TLS, and a password is not sent without it")
        if login:
            connection.login(login[0], login[1].reveal())
        connection.send_message(made)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirected POST would become a GET that tells nobody anything."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _post(_site: Site, schedule: Schedule, facts: Facts) -> None:
    """POST a notice as JSON. No error names the URL, which may be a secret."""
    url = check_url(resolve(schedule.tell.webhook).reveal())
    request = urllib.request.Request(  # noqa: S310 - check_url() lets through only http and https
        url, data=json.dumps(facts).encode(), headers={"Content-Type": "application/json", "User-Agent": "sbkernel"}
    )
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=_TIMEOUT_S):
            return
    except urllib.error.HTTPError as error:
        raise OSError(f"{urlsplit(url).hostname} answered {error.code}") from None
    except OSError as error:
        reason = getattr(error, "reason", None) or error
        raise OSError(f"{urlsplit(url).hostname}: {reason}") from None


def _call(_site: Site, schedule: Schedule, facts: Facts) -> None:
    """Give a notice as JSON to a program of the site."""
    run([schedule.tell.command], input=json.dumps(facts), env=environment.minimal(schedule), cwd="/",
        timeout_s=_COMMAND_TIMEOUT_S)  # fmt: skip

"""E-mails handed to the one server that the hub was told of; what the server says becomes the answer of an attempt."""

from __future__ import annotations

import smtplib
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

from pmo_hub.domain.delivery import Answer
from pmo_hub.domain.formats import Body, email
from pmo_hub.domain.messages import clean

TIMEOUT_S = 15.0
EXCERPT = 500
PORTS = {"smtp": 587, "smtps": 465, "smtp+plain": 25}
"""By scheme: `smtp` turns to TLS before anything else is said (STARTTLS), `smtps` begins with it, `smtp+plain` does without."""


class BadServer(ValueError):
    """The server's address or the sender can't be used; the text never holds the password."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where e-mails are handed in. Who logs in does so over TLS only."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None

    def __repr__(self) -> str:
        return f"Server({self.scheme}://{self.host}:{self.port})"


def server_of(url: str) -> Server:
    """The server that `smtp://USER:PASSWORD@HOST:PORT` names; raises BadServer."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise BadServer("is no address of a mail server") from None
    if parts.scheme not in PORTS or not host or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise BadServer("must be smtp://USER:PASSWORD@HOST:PORT, smtps:// or smtp+plain://")
    user, password = (None if one is None else unquote(one) for one in (parts.username, parts.password))
    if (user is None) != (password is None):
        raise BadServer("needs both a user and a password, or neither")
    if user is not None and parts.scheme == "smtp+plain":
        raise BadServer("would send the password in the clear: use smtp:// or smtps://")
    return Server(parts.scheme, host, port or PORTS[parts.scheme], user, password)


class SmtpMailer:
    """Sends e-mails, one connection each; safe to call from several threads."""

    def __init__(self, server: Server, sender: str, tls: ssl.SSLContext | None = None, timeout_s: float = TIMEOUT_S) -> None:
        self._server = server
        try:
            self._sender = email.address(sender)
        except ValueError as error:
            raise BadServer(str(error)) from None
        self._tls = tls or ssl.create_default_context()
        self._timeout_s = timeout_s

    def send(self, sender: str | None, recipients: Sequence[str], body: Body) -> Answer:
        """Hand the e-mail in, from `sender` or else the hub's own address. Whom the server refuses for good is named in the answer."""
        begun = time.monotonic()
        status, error, excerpt = self._try(sender, recipients, body)
        return Answer(status, round((time.monotonic() - begun) * 1000), error, excerpt)

    def _try(self, sender: str | None, recipients: Sequence[str], body: Body) -> tuple[int | None, str | None, str | None]:
        try:
            source = self._sender if sender is None else email.address(sender)
            targets = [email.address(one).addr_spec for one in recipients]
            content = _from(source, body.content)
        except ValueError as error:
            return None, f"{error}.", None
        try:
            with self._connected() as smtp:
                refused = smtp.sendmail(source.addr_spec, targets, content)
        except smtplib.SMTPRecipientsRefused as error:
            return _refusal(error.recipients)
        except smtplib.SMTPResponseException as error:
            said = _text(error.smtp_error)
            return error.smtp_code, f"The mail server answered {error.smtp_code}: {said[:EXCERPT]}", said
        except smtplib.SMTPNotSupportedError:
            return None, "The mail server offers no TLS or no log-in; pmo-hub sends no password without.", None
        except ssl.SSLError as error:
            return None, f"The mail server's certificate or TLS is not accepted: {clean(error.reason or type(error).__name__)}.", None
        except (smtplib.SMTPException, OSError) as error:
            # The library tells of a wait that was too long as of a connection that was closed.
            if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
                return None, f"The mail server did not answer within {self._timeout_s:g} s.", None
            return None, f"The mail server can't be reached or broke off: {clean(str(error) or type(error).__name__)}.", None
        # The others have it: a second attempt would tell them twice, unless the server asks for one.
        if any(code < 500 for code, _ in refused.values()):
            return _refusal(refused)
        return 250, None, f"refused: {', '.join(sorted(refused))}"[:EXCERPT] if refused else None

    def _connected(self) -> smtplib.SMTP:
        server = self._server
        # Named, or the library would ask the resolver what this machine is called.
        if server.scheme == "smtps":
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, local_hostname="[127.0.0.1]", timeout=self._timeout_s, context=self._tls
            )
        else:
            smtp = smtplib.SMTP(server.host, server.port, local_hostname="[127.0.0.1]", timeout=self._timeout_s)
        try:
            if server.scheme == "smtp":
                smtp.starttls(context=self._tls)
            if server.user is not None and server.password is not None:
                smtp.login(server.user, server.password)
        except BaseException:
            smtp.close()
            raise
        return smtp


def _from(sender: Address, content: bytes) -> bytes:
    """The message with its sender, if it names none itself."""
    if message_from_bytes(content, policy=policy.SMTP)["From"] is not None:
        return content
    head = EmailMessage(policy=policy.SMTP)
    head["From"] = sender
    return head.as_bytes().partition(b"\r\n\r\n")[0] + b"\r\n" + content


def _refusal(refused: dict[str, tuple[int, bytes]]) -> tuple[int, str, str]:
    address, (code, answer) = sorted(refused.items())[0]
    return code, f"The mail server refused {clean(address)} with {code}.", _text(answer)


def _text(answer: bytes | str) -> str:
    return clean(answer.decode(errors="replace") if isinstance(answer, bytes) else answer)[:EXCERPT]

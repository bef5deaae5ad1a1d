"""E-mails handed to a real mail server on loopback: in the clear, over STARTTLS, over TLS, with a log-in, and where it goes wrong."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pmo_hub.domain.formats import Body
from pmo_hub.domain.formats import email as format
from pmo_hub.host.mailing import BadServer, Server, SmtpMailer, server_of
from tests.domain.formats.told import ENVELOPE, HOSTILE, hostile, notice
from tests.ports import free_port

SENDER = "PMO Hub <hub@example.com>"
TO = ("ops@example.com",)
USER, PASSWORD = "hub", "correct horse"


class Postbox:
    """Keeps what is handed in; `answers` are what is said instead of yes, by recipient or as a whole."""

    def __init__(self) -> None:
        self.taken: list[tuple[str | None, list[str], bytes]] = []
        self.refused: dict[str, str] = {}
        self.answer = "250 taken"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content
        assert content is not None
        self.taken.append((envelope.mail_from, list(envelope.rcpt_tos), content))
        return self.answer

    def mails(self) -> list[EmailMessage]:
        found = [message_from_bytes(content, policy=policy.SMTP) for _, _, content in self.taken]
        return found


@contextmanager
def serving(postbox: Postbox, **options: Any) -> Iterator[int]:
    controller = Controller(postbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@pytest.fixture
def postbox() -> Postbox:
    return Postbox()


@pytest.fixture
def port(postbox: Postbox) -> Iterator[int]:
    with serving(postbox) as found:
        yield found


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1, signed by itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return file


def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def mailer(port: int, scheme: str = "smtp+plain", trusted: Path | None = None, user: str | None = None, **options: Any) -> SmtpMailer:
    tls = None if trusted is None else ssl.create_default_context(cafile=str(trusted))
    password = None if user is None else PASSWORD
    return SmtpMailer(Server(scheme, "127.0.0.1", port, user, password), SENDER, tls, **options)


def plain(**changes: Any) -> Body:
    return format.render([notice(**changes)], ENVELOPE)


def test_an_e_mail_arrives_as_it_was_made(port: int, postbox: Postbox) -> None:
    answer = mailer(port).send(None, TO, plain())
    assert (answer.status, answer.is_delivered, answer.why) == (250, True, None)
    [(sender, recipients, content)] = postbox.taken
    assert (sender, recipients) == ("hub@example.com", ["ops@example.com"])
    assert content.endswith(plain().content)
    [mail] = postbox.mails()
    assert (mail["From"], mail["To"], mail["Subject"]) == (SENDER, "ops@example.com", "[pmo-hub] Violation opened: ERP")
    assert "No accountable sponsor" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_a_duplicate_carries_the_same_message_id(port: int, postbox: Postbox) -> None:
    sender = mailer(port)
    sender.send(None, TO, plain())
    sender.send(None, TO, plain())
    first, second = postbox.taken
    assert first == second
    assert postbox.mails()[0]["Message-ID"] == f"<{ENVELOPE.message_id}@hub.example>"


@pytest.mark.parametrize("text", HOSTILE)
def test_what_a_source_wrote_adds_neither_header_nor_recipient(port: int, postbox: Postbox, text: str) -> None:
    assert mailer(port).send(None, TO, format.render([hostile(text)], ENVELOPE)).is_delivered
    [(_, recipients, _)] = postbox.taken
    assert recipients == ["ops@example.com"]
    [mail] = postbox.mails()
    assert set(mail.keys()) == {"From", "Subject", "To", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"}


def test_a_line_that_is_a_dot_ends_nothing(port: int, postbox: Postbox) -> None:
    body = Body("message/rfc822", b"Subject: x\r\n\r\nbefore\r\n.\r\nMAIL FROM:<a@b.example>\r\nafter\r\n")
    assert mailer(port).send("other@example.com", TO, body).is_delivered
    [(sender, _, content)] = postbox.taken
    assert sender == "other@example.com"
    assert content.endswith(b"before\r\n.\r\nMAIL FROM:<a@b.example>\r\nafter\r\n")


def test_starttls_comes_before_the_password(certificate: Path, postbox: Postbox) -> None:
    seen: list[str] = []

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert session.ssl is not None
        assert isinstance(data, LoginPassword)
        seen.append(data.login.decode())
        # Not handled: the server says no itself.
        return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)

    options = {"tls_context": server_tls(certificate), "require_starttls": True, "authenticator": authenticate, "auth_required": True}
    with serving(postbox, **options) as port:
        assert mailer(port, "smtp", certificate, USER).send(None, TO, plain()).is_delivered
        refused = mailer(port, "smtp", certificate, "stranger").send(None, TO, plain())
        untrusted = mailer(port, "smtp", None, USER).send(None, TO, plain())
    assert set(seen) == {USER, "stranger"}
    assert (refused.status, refused.is_delivered) == (535, False)
    assert PASSWORD not in str(refused)
    assert untrusted.status is None
    assert str(untrusted.why).startswith("The mail server's certificate or TLS is not accepted")
    assert len(postbox.taken) == 1


def test_tls_from_the_first_byte(certificate: Path, postbox: Postbox) -> None:
    with serving(postbox, ssl_context=server_tls(certificate)) as port:
        tls = ssl.create_default_context(cafile=str(certificate))
        assert SmtpMailer(Server("smtps", "127.0.0.1", port, None, None), SENDER, tls).send(None, TO, plain()).is_delivered
    assert len(postbox.taken) == 1


def test_a_server_without_tls_gets_no_message_meant_for_one(port: int, postbox: Postbox) -> None:
    answer = mailer(port, "smtp").send(None, TO, plain())
    assert answer.why == "The mail server offers no TLS or no log-in; pmo-hub sends no password without."
    assert postbox.taken == []


@pytest.mark.parametrize(("said", "status"), [("451 later", 451), ("554 spam", 554)])
def test_a_refusal_is_an_answer_with_its_status(port: int, postbox: Postbox, said: str, status: int) -> None:
    postbox.answer = said
    answer = mailer(port).send(None, TO, plain())
    assert (answer.status, answer.is_delivered) == (status, False)
    assert f"answered {status}" in str(answer.why)


def test_one_of_several_who_is_refused_for_good_stops_not_the_others(port: int, postbox: Postbox) -> None:
    postbox.refused = {"gone@example.com": "550 no such user"}
    answer = mailer(port).send(None, ("gone@example.com", *TO), plain())
    assert (answer.is_delivered, answer.excerpt) == (True, "refused: gone@example.com")
    assert postbox.taken[0][1] == ["ops@example.com"]
    postbox.refused = {"busy@example.com": "450 try again"}
    assert mailer(port).send(None, ("busy@example.com", *TO), plain()).status == 450
    postbox.refused = {"gone@example.com": "550 no such user"}
    alone = mailer(port).send(None, ("gone@example.com",), plain())
    assert (alone.status, alone.why) == (550, "The mail server refused gone@example.com with 550.")


def test_nobody_there_is_said_in_a_sentence() -> None:
    answer = mailer(free_port()).send(None, TO, plain())
    assert answer.status is None
    assert str(answer.why).startswith("The mail server can't be reached or broke off")


@contextmanager
def answering(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """A socket that talks to whoever comes first."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def once() -> None:
            accepted, _ = listening.accept()
            with accepted:
                talk(accepted)

        thread = threading.Thread(target=once, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        thread.join(10)


def test_a_server_that_is_silent_or_breaks_off_holds_nobody_up() -> None:
    def silent(accepted: socket.socket) -> None:
        accepted.recv(1)  # until the other side gives up

    with answering(silent) as port:
        answer = mailer(port, timeout_s=0.2).send(None, TO, plain())
    assert answer.why == "The mail server did not answer within 0.2 s."
    with answering(lambda accepted: accepted.sendall(b"220 hello\r\n")) as port:
        answer = mailer(port).send(None, TO, plain())
    assert str(answer.why).startswith("The mail server can't be reached or broke off")


@pytest.mark.parametrize("recipient", ["nobody", "a@b.example\r\nRCPT TO:<c@d.example>", "a@b.example>,<c@d.example"])
def test_what_is_no_address_goes_to_no_server(port: int, postbox: Postbox, recipient: str) -> None:
    answer = mailer(port).send(None, (recipient,), plain())
    assert "is no e-mail address" in str(answer.why)
    assert postbox.taken == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://hub:a%40b@mail.example", Server("smtp", "mail.example", 587, "hub", "a@b")),
        ("smtps://mail.example", Server("smtps", "mail.example", 465, None, None)),
        ("smtp+plain://127.0.0.1:2525/", Server("smtp+plain", "127.0.0.1", 2525, None, None)),
    ],
)
def test_an_address_names_server_and_log_in(url: str, expected: Server) -> None:
    assert server_of(url) == expected
    assert "a@b" not in repr(server_of(url))


@pytest.mark.parametrize(
    "url", ["http://mail.example", "smtp://", "smtp://x:y@", "smtp://hub@mail.example", "smtp+plain://hub:secret@mail.example",
            "smtp://mail.example:port", "smtp://mail.example/path"],
)  # fmt: skip
def test_an_address_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(BadServer) as refused:
        server_of(url)
    assert "secret" not in str(refused.value)


def test_a_sender_that_is_no_address_is_refused() -> None:
    with pytest.raises(BadServer, match="is no e-mail address"):
        SmtpMailer(server_of("smtp://mail.example"), "nobody")

"""Posting: to the address that was looked at, under the name that was meant, and no further than that."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import parse_headers
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pmo_hub.domain.delivery import Answer
from pmo_hub.host import posting
from pmo_hub.host.addresses import networks
from pmo_hub.host.posting import Poster
from tests.receiver import Reply, receiving

NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
LISTED = networks(["127.0.0.1"])


def post(poster: Poster, url: str, body: bytes = b"{}") -> Answer:
    async def once() -> Answer:
        async with poster.opened() as opened:
            return await opened.post(url, {"Content-Type": "application/json"}, body, NOW)

    return asyncio.run(once())


def port_of(url: str) -> str:
    return url.rsplit(":", 1)[1]


def test_a_name_is_resolved_once_and_what_was_looked_at_is_connected_to() -> None:
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        # A resolver that answers otherwise the second time is what rebinding is.
        return ["127.0.0.1"] if len(asked) == 1 else ["203.0.113.9"]

    with receiving() as receiver:
        answer = post(Poster(LISTED, 2.0, resolve), f"http://named.example:{port_of(receiver.url)}/x")
    assert answer.is_delivered
    assert asked == ["named.example"]
    assert receiver.got[0].headers["host"] == f"named.example:{port_of(receiver.url)}"


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"]
)
def test_loopback_is_refused_however_it_is_written(host: str) -> None:
    with receiving() as receiver:
        answer = post(Poster((), 2.0), f"https://{host}:{port_of(receiver.url)}/")
    assert receiver.got == []
    assert answer.status is None
    assert "not public" in str(answer.error)


def test_of_several_addresses_only_those_that_may_be_reached_are() -> None:
    with receiving() as receiver:
        answers = {
            tuple(found): post(Poster(LISTED, 2.0, lambda host, port, found=found: found), f"http://x.example:{port_of(receiver.url)}/")
            for found in (["10.0.0.1", "127.0.0.1"], ["10.0.0.1", "::ffff:10.0.0.2"], [])
        }
    assert [one.is_delivered for one in answers.values()] == [True, False, False]
    assert len(receiver.got) == 1


def test_without_tls_only_listed_networks_are_reached() -> None:
    answer = post(Poster(LISTED, 2.0, lambda host, port: ["8.8.8.8"]), "http://public.example/")
    assert "not public, and not among those" in str(answer.error)


def test_a_name_that_nobody_knows_is_told() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    assert post(Poster(LISTED, 2.0, unknown), "http://x.example/").error == "The endpoint can't be reached: its name is not known."


def test_a_long_answer_is_read_no_further_than_its_beginning() -> None:
    with receiving(lambda _: Reply(200, body=b"y" * 1_000_000)) as receiver:
        answer = post(Poster(LISTED, 2.0), receiver.url)
    assert answer.is_delivered
    assert answer.excerpt == "y" * 999 + "…"


def test_an_answer_that_drips_is_not_waited_for() -> None:
    server = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip() -> None:
        connection, _ = server.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            while not stop.wait(0.05):
                try:
                    connection.sendall(b".")
                except OSError:
                    return

    dripping = threading.Thread(target=drip, daemon=True)
    dripping.start()
    answer = post(Poster(LISTED, 0.5), f"http://127.0.0.1:{server.getsockname()[1]}/")
    stop.set()
    dripping.join(5)
    server.close()
    assert answer.error == "The endpoint did not answer within 0.5 s."
    assert not answer.is_delivered


@contextmanager
def encrypted(folder: Path, name: str) -> Iterator[tuple[int, ssl.SSLContext, list[str | None]]]:
    """A TLS server with a certificate for that name: its port, a context that trusts it, and the names that it was asked for."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "cert.pem").write_bytes(pem)
    (folder / "key.pem").write_bytes(secret)
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    context.sni_callback = lambda _, asked_name, __: asked.append(asked_name)
    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(connection, server_side=True) as wrapped, wrapped.makefile("rb") as request:
                    # All of it: what is left unread when a socket closes resets the connection, answer and all.
                    request.readline()
                    request.read(int(parse_headers(request).get("content-length", "0")))
                    wrapped.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            except (ssl.SSLError, OSError):
                continue

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    trusting = ssl.create_default_context(cadata=pem.decode())
    try:
        yield server.getsockname()[1], trusting, asked
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


def test_over_tls_the_name_is_asked_for_and_proved_though_an_address_is_connected_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with encrypted(tmp_path, "right.example") as (port, trusting, asked):
        monkeypatch.setattr(posting, "_trust", lambda: trusting)
        poster = Poster(LISTED, 3.0, lambda host, port: ["127.0.0.1"])
        assert post(poster, f"https://right.example:{port}/").is_delivered
        wrong = post(poster, f"https://wrong.example:{port}/")
    assert asked == ["right.example", "wrong.example"]
    assert not wrong.is_delivered
    assert "certificate" in str(wrong.error)


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    with encrypted(tmp_path, "self.example") as (port, _, __):
        answer = post(Poster(LISTED, 3.0, lambda host, port: ["127.0.0.1"]), f"https://self.example:{port}/")
    assert not answer.is_delivered
    assert "certificate" in str(answer.error).lower()

"""Servers whose certificate comes from an authority of their own, over real TLS on loopback."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pmo_hub.sdk.errors import ConfigError
from pmo_hub.sdk.testing_context import MemoryContext


@dataclass(frozen=True)
class Served:
    url: str
    authority: str
    """PEM text."""


class _Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"hello": "there"}')

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, signer: ec.EllipticCurvePrivateKey, *, is_authority: bool
) -> bytes:
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(_named(subject))
        .issuer_name(_named(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if not is_authority:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    return made.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("tls")
    root, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("Our own authority", root, "Our own authority", root, is_authority=True).decode()
    (folder / "cert.pem").write_bytes(_certificate("localhost", own, "Our own authority", root, is_authority=False))
    (folder / "key.pem").write_bytes(
        own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    server = HTTPServer(("127.0.0.1", 0), _Hello)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Served(f"https://localhost:{server.server_port}", authority)
    server.shutdown()
    thread.join(timeout=10)
    server.server_close()


def test_an_authority_given_as_text_is_trusted(served: Served) -> None:
    with MemoryContext().http(served.url, None, served.authority) as http:
        assert http.get("/x").json() == {"hello": "there"}


def test_an_authority_given_as_a_file_is_trusted(served: Served, tmp_path: Path) -> None:
    file = tmp_path / "own.pem"
    file.write_text(served.authority)
    with MemoryContext().http(served.url, None, str(file)) as http:
        assert http.get("/x").json() == {"hello": "there"}


def test_without_it_the_server_is_not_trusted_and_the_admin_is_told(served: Served) -> None:
    with MemoryContext().http(served.url) as http, pytest.raises(ConfigError, match="TLS certificate can't be verified"):
        http.get("/x")


def test_another_name_than_the_certificates_is_not_trusted(served: Served) -> None:
    with (
        MemoryContext().http(served.url.replace("localhost", "127.0.0.1"), None, served.authority) as http,
        pytest.raises(ConfigError, match="TLS certificate can't be verified"),
    ):
        http.get("/x")

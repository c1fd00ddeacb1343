"""A certificate authority of our own, for brokers of the tests."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bus.embedded import ServerTls


@dataclass(frozen=True)
class Authority:
    """A certificate authority of our own and one server certificate by it."""

    ca_file: Path
    server: ServerTls


def make_authority(folder: Path, name: str) -> Authority:
    folder.mkdir()
    now = dt.datetime.now(dt.UTC)

    def build(subject: str, key, issuer: str, signing_key, *, ca: bool) -> x509.Certificate:
        def common_name(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

        builder = (
            x509.CertificateBuilder()
            .subject_name(common_name(subject))
            .issuer_name(common_name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(hours=1))
            .not_valid_after(now + dt.timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if not ca:
            names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(signing_key, hashes.SHA256())

    def write(file: str, data: bytes) -> Path:
        (folder / file).write_bytes(data)
        return folder / file

    ca_key, server_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    ca = build(name, ca_key, name, ca_key, ca=True)
    server = build("broker", server_key, name, ca_key, ca=False)
    private = server_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Authority(
        write("ca.pem", ca.public_bytes(pem)),
        ServerTls(write("server.pem", server.public_bytes(pem)), write("server.key", private)),
    )

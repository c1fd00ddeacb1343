"""Where the broker is and how to be let in."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path

from bus.errors import CertificateError

HANDSHAKE_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Host and port, name and password, and the files of TLS, which is on as soon as `ca_file` is given."""

    host: str = "127.0.0.1"
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    keepalive_s: int = 15
    """The broker misses a silent client after one and a half times this."""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    def tls(self) -> ssl.SSLContext | None:
        """Return the TLS context, or None for plain TCP.

        Raises:
            CertificateError: a file is missing or holds something else.
        """
        if self.ca_file is None:
            return None
        try:
            context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=self.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise CertificateError(f"the certificate authority in {self.ca_file} cannot be used: {error}") from error
        context.sslsocket_class = _TidySocket
        if self.cert_file is not None:
            try:
                context.load_cert_chain(self.cert_file, self.key_file)
            except (OSError, ssl.SSLError) as error:
                raise CertificateError(
                    f"the certificate {self.cert_file} or its key cannot be used: {error}"
                ) from error
        return context


class _TidySocket(ssl.SSLSocket):
    """Bounds the handshake, and closes itself when it fails: the MQTT client would leave it open."""

    def do_handshake(self, block: bool = False) -> None:
        self.settimeout(HANDSHAKE_TIMEOUT_S)
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise

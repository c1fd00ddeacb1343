"""How long certificates still last."""

import socket
import ssl
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography import x509

from campusgate.doctor.findings import Finding, fault, ok, warn

_SOON: Final = timedelta(days=30)
TIMEOUT_S: Final = 5.0


def connect_tls(link: str, host: str, port: int, context: ssl.SSLContext, mend: str) -> Finding:
    """Return whether `host` answers with a certificate that is believed, and how long that one lasts."""
    try:
        with (
            socket.create_connection((host, port), TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            shown = secured.getpeercert(binary_form=True) or b""
    except ssl.SSLCertVerificationError as error:
        return fault(link, f"the certificate of {host}:{port} is not believed ({error.verify_message}); {mend}")
    except ssl.SSLError as error:
        return fault(link, f"{host}:{port} does not speak TLS ({error.reason}); mend its listener or the port")
    except OSError as error:
        return fault(link, f"{host}:{port} does not answer ({error}); start it, or mend name, port or firewall")
    until = x509.load_der_x509_certificate(shown).not_valid_after_utc
    if until - datetime.now(UTC) < _SOON:
        return warn(link, f"the certificate of {host}:{port} ends on {until:%Y-%m-%d}; {mend}")
    return ok(link, f"{host}:{port} answers, its certificate lasts until {until:%Y-%m-%d}")

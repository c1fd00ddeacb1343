"""How the server is reached from outside: by TLS of its own, or through a proxy that is believed."""

import ssl
from collections.abc import Iterator
from typing import Final

import httpx

from campusgate.doctor.certificates import TIMEOUT_S, connect_tls
from campusgate.doctor.findings import Finding, Status, fault, ok, warn
from campusgate.settings import Settings
from campusgate.wiring.server_link import make_server_trust

_LINK: Final = "proxy"
_LOCAL: Final = {"127.0.0.1", "::1", "localhost"}
_HTTPS_PORT: Final = 443
_HOW: Final = "renew it (`campusgate setup certificates`), or name its authority in CAMPUSGATE_SERVER_CA_FILE"


def check_proxy(settings: Settings) -> Iterator[Finding]:
    """Examine who speaks TLS, and that the public address leads here."""
    if settings.server_cert_file is None and settings.server_host not in _LOCAL:
        yield fault(
            _LINK,
            f"the server speaks plain HTTP to everybody at {settings.server_host}: give it a certificate "
            "(CAMPUSGATE_SERVER_CERT_FILE), or let it listen at 127.0.0.1 behind a proxy with TLS",
        )
    elif settings.server_cert_file is None and not settings.trusted_proxies:
        yield fault(
            _LINK,
            "no proxy is believed (CAMPUSGATE_TRUSTED_PROXIES), so all people behind it share an address and are "
            "locked out together: name it",
        )
    url = httpx.URL(settings.server_url)
    if url.host in _LOCAL and url.scheme == "http":
        yield warn(_LINK, "CAMPUSGATE_SERVER_URL does not say how people and gates find this server")
        return
    trust = make_server_trust(settings)
    if url.scheme == "https":
        context = httpx.create_ssl_context() if isinstance(trust, bool) else trust
        answer = connect_tls(_LINK, url.host, url.port or _HTTPS_PORT, context, _HOW)
        yield answer
        if answer.status is Status.FAULT:
            return
    yield from _ask(settings.server_url, trust)


def _ask(url: str, trust: ssl.SSLContext | bool) -> Iterator[Finding]:
    try:
        answer = httpx.get(f"{url}/health", verify=trust, timeout=TIMEOUT_S)
        said = answer.json()["status"]
    except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
        yield fault(_LINK, f"{url}/health is no server's ({error}): mend the proxy, or CAMPUSGATE_SERVER_URL")
        return
    yield ok(_LINK, f"{url} leads to a server that says {said}")

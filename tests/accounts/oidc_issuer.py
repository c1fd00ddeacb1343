"""A loopback OpenID Connect issuer that really signs."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from accounts.sign_in.oidc import OidcProvider
from tests.served import served


@dataclass
class Issuer:
    """An issuer with one client and one member of staff; `claims` replaces what its ID token says."""

    address: str = ""
    number: str = "F0001"
    claims: dict[str, Any] = field(default_factory=dict)
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    key_id: str = "one"
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def visit(self, address: str) -> tuple[str, str]:
        """Be the browser and the person signing in: returns the state and the code brought back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return asked["state"], code

    def answer(self, path: str, form: dict[str, str], authorization: str | None) -> tuple[int, Any]:
        if path == "/.well-known/openid-configuration":
            return 200, {
                "issuer": self.address,
                "authorization_endpoint": f"{self.address}/authorize",
                "token_endpoint": f"{self.address}/token",
                "jwks_uri": f"{self.address}/keys",
            }
        if path == "/keys":
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
            return 200, {"keys": [public | {"kid": self.key_id, "use": "sig", "alg": "RS256"}]}
        assert path == "/token"
        asked = self.codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode()
        if (
            asked is None
            or authorization != "Basic " + base64.b64encode(b"campusgate:hush").decode()
            or asked["code_challenge"] != challenge.rstrip("=")
        ):
            return 400, {"error": "invalid_grant"}
        claims = {
            "iss": self.address,
            "aud": "campusgate",
            "sub": "abc",
            "iat": int(time.time()),
            "exp": int(time.time()) + 60,
            "nonce": asked["nonce"],
            "preferred_username": self.number,
        }
        token = jwt.encode(claims | self.claims, self.key, algorithm="RS256", headers={"kid": self.key_id})
        return 200, {"id_token": token, "access_token": "x", "token_type": "Bearer"}


@contextmanager
def open_issuer() -> Iterator[Issuer]:
    """Serve an issuer on a free port."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._reply({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._reply({name: values[0] for name, values in parse_qs(body).items()})

        def _reply(self, form: dict[str, str]) -> None:
            status, answer = issuer.answer(self.path, form, self.headers.get("Authorization"))
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.address = f"http://127.0.0.1:{server.server_port}"
    with served(server):
        yield issuer


def provider(issuer: Issuer) -> OidcProvider:
    return OidcProvider(
        issuer=issuer.address, client_id="campusgate", client_secret="hush", redirect_uri="https://gate.example/back"
    )

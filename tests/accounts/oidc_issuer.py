"""A loopback OpenID Connect issuer that really signs."""

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from accounts.sign_in.identity_providers import ConnectedProvider
from accounts.sign_in.oidc import OidcProvider
from accounts.vocabulary import PersonKind
from tests.served import served


@cache
def _usual_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@dataclass
class Issuer:
    """An issuer with one client and one member of staff; `claims` replaces what its ID token says."""

    address: str = ""
    number: str = "F0001"
    claims: dict[str, Any] = field(default_factory=dict)
    key: Any = field(default_factory=_usual_key)
    key_id: str | None = "one"
    algorithm: str = "RS256"
    secret: str = "hush"
    discovery: dict[str, Any] = field(default_factory=dict)
    user_info: dict[str, Any] | None = None
    published: list[dict[str, Any]] | None = None
    """In place of the key that it signs with."""
    shown: set[str] = field(default_factory=set)
    """In which ways its client has shown the secret."""
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
                "userinfo_endpoint": f"{self.address}/userinfo",
            } | self.discovery
        if path == "/keys":
            return 200, {"keys": [self.published_key()] if self.published is None else self.published}
        if path == "/userinfo":
            is_known = authorization == "Bearer x" and self.user_info is not None
            return (200, self.user_info) if is_known else (401, {"error": "invalid_token"})
        assert path == "/token"
        asked = self.codes.pop(form["code"], None)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).decode()
        if (
            asked is None
            or self._client(form, authorization) != ("campusgate", self.secret)
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
        headers = {} if self.key_id is None else {"kid": self.key_id}
        said = {name: value for name, value in (claims | self.claims).items() if value is not None}
        token = jwt.encode(said, self.key, algorithm=self.algorithm, headers=headers)
        return 200, {"id_token": token, "access_token": "x", "token_type": "Bearer"}

    def published_key(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return public | {"kid": self.key_id, "use": "sig", "alg": "RS256"}

    def _client(self, form: dict[str, str], authorization: str | None) -> tuple[str, ...]:
        """Who asks for a token: RFC 6749, 2.3.1, to the letter."""
        if authorization is None:
            self.shown.add("client_secret_post")
            return form["client_id"], form["client_secret"]
        self.shown.add("client_secret_basic")
        given = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        return tuple(unquote_plus(part) for part in given.split(":"))


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


def connected(issuer: Issuer, **given: Any) -> dict[str, ConnectedProvider]:
    provider = OidcProvider(
        issuer=issuer.address,
        client_id="campusgate",
        client_secret=issuer.secret,
        redirect_uri="https://gate.example/back",
        **given,
    )
    return {"oidc": ConnectedProvider(provider, [PersonKind.STAFF])}

"""OpenID Connect: authorization code flow with PKCE (OpenID Connect Core 1.0, RFC 7636), as an identity provider."""

import base64
import threading
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt

from accounts.sign_in.staff_sign_in import Proof, StaffSignInRefusedError, StaffSignInUnavailableError

_ALGORITHMS = ("RS256", "ES256", "PS256", "EdDSA")
_LEEWAY_S = 60


class OidcProvider:
    """An OpenID Connect issuer, found by its discovery document, which is read once and when needed."""

    def __init__(
        self,
        *,
        issuer: str,
        client_id: str,
        client_secret: str,
        redirect_uri: str,
        number_claim: str = "preferred_username",
        http: httpx.Client | None = None,
    ) -> None:
        """Take the registration of this server at the issuer, and the claim that holds the staff number."""
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._number_claim = number_claim
        self._http = http or httpx.Client(timeout=10)
        self._lock = threading.Lock()
        self._discovered: dict[str, Any] | None = None
        self._keys: jwt.PyJWKSet | None = None

    def address(self, state: str, proof: Proof) -> str:
        """Return the issuer's authorization address for one attempt."""
        challenge = base64.urlsafe_b64encode(proof.challenge_source).decode().rstrip("=")
        query = {
            "response_type": "code",
            "scope": "openid profile",
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "state": state,
            "nonce": proof.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{self._discovery()['authorization_endpoint']}?{urlencode(query)}"

    def number(self, code: str, proof: Proof) -> str:
        """Exchange the code and return the number claim of the verified ID token."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": proof.verifier,
        }
        endpoint = self._discovery()["token_endpoint"]
        try:
            answer = self._http.post(endpoint, data=form, auth=(self._client_id, self._client_secret))
        except httpx.HTTPError as error:
            raise StaffSignInUnavailableError("the identity provider does not answer") from error
        if answer.status_code != httpx.codes.OK:
            raise StaffSignInRefusedError("the identity provider refused the code")
        try:
            claims = self._verified(answer.json()["id_token"])
        except (jwt.InvalidTokenError, ValueError, KeyError, TypeError) as error:
            raise StaffSignInRefusedError("the identity provider's token is not genuine") from error
        if claims.get("nonce") != proof.nonce:
            raise StaffSignInRefusedError("the identity provider's token belongs to another attempt")
        number = claims.get(self._number_claim)
        if not isinstance(number, str) or not number:
            raise StaffSignInRefusedError(f"the identity provider's token has no claim {self._number_claim}")
        return number

    def _verified(self, token: str) -> dict[str, Any]:
        key_id = jwt.get_unverified_header(token).get("kid")
        claims: dict[str, Any] = jwt.decode(
            token,
            self._key(key_id),
            algorithms=_ALGORITHMS,
            audience=self._client_id,
            issuer=self._issuer,
            leeway=_LEEWAY_S,
            options={"require": ["exp", "iat", "aud", "iss", "sub"]},
        )
        return claims

    def _key(self, key_id: str | None) -> jwt.PyJWK:
        with self._lock:
            known = self._keys
        key = _find(known, key_id)
        if key is None:
            # The issuer may have rotated its keys since they were read.
            fresh = jwt.PyJWKSet.from_dict(self._get(self._discovery()["jwks_uri"]))
            with self._lock:
                self._keys = fresh
            key = _find(fresh, key_id)
        if key is None:
            raise jwt.InvalidTokenError("signed under an unknown key")
        return key

    def _discovery(self) -> dict[str, Any]:
        with self._lock:
            if self._discovered is not None:
                return self._discovered
        found = self._get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self._issuer:
            raise StaffSignInUnavailableError("the identity provider names another issuer than the configured one")
        with self._lock:
            self._discovered = found
        return found

    def _get(self, address: str) -> dict[str, Any]:
        try:
            answer = self._http.get(address).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise StaffSignInUnavailableError("the identity provider does not answer") from error
        if not isinstance(answer, dict):
            raise StaffSignInUnavailableError("the identity provider's answer is not a JSON object")
        return answer


def _find(keys: jwt.PyJWKSet | None, key_id: str | None) -> jwt.PyJWK | None:
    if keys is None:
        return None
    return next((key for key in keys.keys if key_id is None or key.key_id == key_id), None)

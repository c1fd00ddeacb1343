"""OpenID Connect: authorization code flow with PKCE (OpenID Connect Core 1.0, RFC 7636), as an identity provider."""

import threading
from typing import Any, Final
from urllib.parse import quote_plus, urlencode

import httpx
import jwt

from accounts.sign_in.identity_providers import Answer, Attempt, ProviderRefusedError, ProviderUnavailableError
from accounts.sign_in.provider_http import ProviderHttp
from accounts.sign_in.signing_keys import find_keys

_LEEWAY_S: Final = 60


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
        scope: str = "openid profile",
        client_authentication: str | None = None,
        http: ProviderHttp | None = None,
    ) -> None:
        """Take the registration of this server at the issuer.

        Args:
            issuer: as its discovery document and its tokens name it.
            client_id: of this server there.
            client_secret: of that client.
            redirect_uri: where browsers are sent back to.
            number_claim: the claim that holds the person's number.
            scope: what is asked for.
            client_authentication: `client_secret_basic` or `client_secret_post`; None: as the issuer offers it.
            http: the connection.
        """
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._number_claim = number_claim
        self._scope = scope
        self._client_authentication = client_authentication
        self._http = http or ProviderHttp("oidc")
        self._lock = threading.Lock()
        self._discovered: dict[str, Any] | None = None
        self._keys: list[dict[str, Any]] = []

    def address(self, attempt: Attempt, *, browser: str) -> str:
        """Return the issuer's authorization address for one attempt."""
        del browser
        query = {
            "response_type": "code",
            "scope": self._scope,
            "client_id": self._client_id,
            "redirect_uri": self._redirect_uri,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        endpoint = self._endpoint("authorization_endpoint")
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    def number(self, answer: Answer, attempt: Attempt) -> str:
        """Exchange the code and return the number claim of the verified ID token, or else of the user info."""
        self._require_own(answer)
        tokens = self._exchange(answer.code, attempt)
        try:
            claims = self._verified(tokens["id_token"])
        except (jwt.InvalidTokenError, ValueError, KeyError, TypeError) as error:
            raise ProviderRefusedError("the identity provider's token is not genuine") from error
        if claims.get("nonce") != attempt.nonce:
            raise ProviderRefusedError("the identity provider's token belongs to another attempt")
        if self._number_claim not in claims:
            # Core 5.4: claims of a scope stand in the user info where an access token is given.
            claims = self._user_info(tokens.get("access_token"), claims["sub"])
        number = claims.get(self._number_claim)
        if isinstance(number, int) and not isinstance(number, bool):
            number = str(number)
        if not isinstance(number, str) or not number:
            raise ProviderRefusedError(f"the identity provider says no {self._number_claim} of this person")
        return number

    def check(self) -> str:
        """Read the discovery document and the keys anew; see `IdentityProvider.check`."""
        found = self._discover()
        for name in ("authorization_endpoint", "token_endpoint"):
            if not isinstance(found.get(name), str):
                raise ProviderUnavailableError(f"the identity provider's discovery document names no {name}")
        keys = self._fetch_keys()
        if not keys:
            raise ProviderUnavailableError("the identity provider publishes no keys")
        return f"answers with {len(keys)} key{'' if len(keys) == 1 else 's'}"

    def _require_own(self, answer: Answer) -> None:
        """Refuse an answer that another issuer sent (RFC 9207, section 2.4)."""
        sends = self._discovery().get("authorization_response_iss_parameter_supported") is True
        if answer.issuer != self._issuer and (sends or answer.issuer is not None):
            raise ProviderRefusedError("another identity provider than the one that was asked sent this answer")

    def _exchange(self, code: str, attempt: Attempt) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": attempt.verifier,
        }
        more: dict[str, Any] = {}
        if self._method() == "client_secret_post":
            form |= {"client_id": self._client_id, "client_secret": self._client_secret}
        else:
            # RFC 6749, 2.3.1: both are encoded as in forms before they are joined.
            more["auth"] = (quote_plus(self._client_id), quote_plus(self._client_secret))
        answer = self._http.ask("POST", self._endpoint("token_endpoint"), data=form, **more)
        if answer.status != httpx.codes.OK:
            raise ProviderRefusedError("the identity provider refused the code")
        return answer.json()

    def _method(self) -> str:
        if self._client_authentication is not None:
            return self._client_authentication
        offered = self._discovery().get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        is_post = "client_secret_basic" not in offered and "client_secret_post" in offered
        return "client_secret_post" if is_post else "client_secret_basic"

    def _user_info(self, access_token: Any, subject: str) -> dict[str, Any]:
        """Return what the user info says of the subject of the ID token (Core 5.3.2: of nobody else)."""
        if not isinstance(access_token, str) or "userinfo_endpoint" not in self._discovery():
            return {}
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        answer = self._http.ask("GET", self._endpoint("userinfo_endpoint"), headers=headers)
        if answer.status != httpx.codes.OK:
            raise ProviderRefusedError("the identity provider does not give this server the user info")
        claims = answer.json()
        if claims.get("sub") != subject:
            raise ProviderRefusedError("the identity provider's user info is of somebody else")
        return claims

    def _verified(self, token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        refusal: Exception = jwt.InvalidTokenError("signed under an unknown key")
        for key in self._keys_of(header):
            try:
                claims: dict[str, Any] = jwt.decode(
                    token,
                    key,
                    algorithms=[key.algorithm_name],
                    audience=self._client_id,
                    issuer=self._issuer,
                    leeway=_LEEWAY_S,
                    options={"require": ["exp", "iat", "aud", "iss", "sub"]},
                )
            except jwt.InvalidSignatureError as error:
                refusal = error
                continue
            # Core 3.1.3.7: with several audiences the token must say that it was made for this one.
            several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
            if claims.get("azp", None if several else self._client_id) != self._client_id:
                raise jwt.InvalidTokenError("made for another client")
            return claims
        raise refusal

    def _keys_of(self, header: dict[str, Any]) -> list[jwt.PyJWK]:
        with self._lock:
            known = self._keys
        # The issuer may have rotated its keys since they were read.
        return find_keys(known, header) or find_keys(self._fetch_keys(), header)

    def _fetch_keys(self) -> list[dict[str, Any]]:
        found = self._get(self._endpoint("jwks_uri")).get("keys")
        fresh = [key for key in found if isinstance(key, dict)] if isinstance(found, list) else []
        with self._lock:
            self._keys = fresh
        return fresh

    def _endpoint(self, name: str) -> str:
        endpoint = self._discovery().get(name)
        if not isinstance(endpoint, str):
            raise ProviderUnavailableError(f"the identity provider's discovery document names no {name}")
        return endpoint

    def _discovery(self) -> dict[str, Any]:
        with self._lock:
            if self._discovered is not None:
                return self._discovered
        return self._discover()

    def _discover(self) -> dict[str, Any]:
        found = self._get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self._issuer:
            raise ProviderUnavailableError("the identity provider names another issuer than the configured one")
        with self._lock:
            self._discovered = found
        return found

    def _get(self, address: str) -> dict[str, Any]:
        answer = self._http.ask("GET", address)
        if answer.status != httpx.codes.OK:
            raise ProviderUnavailableError("the identity provider does not answer")
        return answer.json()

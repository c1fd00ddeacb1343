"""Which of an issuer's published keys (RFC 7517) may have signed a token."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

import jwt

_KEY_TYPES: Final[Mapping[str, tuple[str, str | None]]] = MappingProxyType(
    {
        "RS256": ("RSA", None),
        "PS256": ("RSA", None),
        "ES256": ("EC", "P-256"),
        "EdDSA": ("OKP", "Ed25519"),
    }
)
"""What each algorithm that is taken is signed with: type of key and curve. None of them has a secret that is shared."""


def find_keys(keys: Iterable[Mapping[str, Any]], header: Mapping[str, Any]) -> list[jwt.PyJWK]:
    """Return the keys that fit a token's header, for the token's algorithm.

    A key need not say its algorithm or its use, and a token need not say its key's id.
    """
    algorithm = header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in _KEY_TYPES:
        return []
    kind, curve = _KEY_TYPES[algorithm]
    found = []
    for key in keys:
        fits = (
            key.get("kty") == kind
            and (curve is None or key.get("crv") == curve)
            and key.get("use", "sig") == "sig"
            and key.get("alg", algorithm) == algorithm
            and header.get("kid") in (None, key.get("kid"))
        )
        if fits:
            try:
                found.append(jwt.PyJWK(dict(key), algorithm))
            except jwt.PyJWTError:
                continue
    return found

"""The certificates of public authorities, read once for all clients of a worker.

Each client of httpx would read them anew, also one that speaks plain HTTP to a server of the tests: 35 ms, more than
most of what is then asked. Whoever imports this gets clients that share them.
"""

import ssl
from functools import cache
from typing import Any

from httpx._transports import default as transports

_read_anew = transports.create_ssl_context


@cache
def _read_once(trust_env: bool) -> ssl.SSLContext:
    return _read_anew(trust_env=trust_env)


def _create_ssl_context(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
    if verify is True and cert is None:
        return _read_once(trust_env)
    return _read_anew(verify=verify, cert=cert, trust_env=trust_env)


transports.create_ssl_context = _create_ssl_context

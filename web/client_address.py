"""Where a request comes from; behind a proxy the web server must be told to trust its header."""

import ipaddress
from typing import Annotated

from fastapi import Depends, Request
from starlette.types import Scope


def address_of(scope: Scope) -> str:
    """Return the caller's network address."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


async def _read_address(request: Request) -> str:
    return address_of(request.scope)


AddressDep = Annotated[str, Depends(_read_address)]
"""The caller's network address."""


async def _read_network(address: AddressDep) -> str:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))


NetworkDep = Annotated[str, Depends(_read_network)]
"""What wrong tries are counted by: the address, or the /64 that one subscriber has of IPv6."""

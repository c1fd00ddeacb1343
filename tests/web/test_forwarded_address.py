"""Whose address counts behind a proxy."""

import pytest
from fastapi import FastAPI, Request

from tests.app_client import AppClient
from web.forwarded_address import ForwardedAddress


def seen(trusted: list[str], peer: str, forwarded: str | None) -> str:
    """The address that a route sees."""
    app = FastAPI()
    app.add_middleware(ForwardedAddress, trusted=trusted)

    @app.get("/")
    def route(request: Request) -> str:
        return request.client.host

    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    return AppClient(app, client=(peer, 1)).get("/", headers=headers).json()


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "expected"),
    [
        ([], "127.0.0.1", "203.0.113.9", "127.0.0.1"),
        ([], "198.51.100.7", "203.0.113.9", "198.51.100.7"),
        (["127.0.0.1"], "127.0.0.1", "203.0.113.9", "203.0.113.9"),
        (["127.0.0.1"], "127.0.0.1", None, "127.0.0.1"),
        (["127.0.0.1"], "198.51.100.7", "203.0.113.9", "198.51.100.7"),
        (["127.0.0.1"], "127.0.0.1", "1.2.3.4, 203.0.113.9", "203.0.113.9"),
        (["172.30.8.0/24"], "172.30.8.1", "1.2.3.4, 203.0.113.9, 172.30.8.5", "203.0.113.9"),
        (["::1"], "::1", "2001:db8::7", "2001:db8::7"),
    ],
)
def test_only_a_trusted_proxy_says_whose_request_it_is(trusted, peer, forwarded, expected) -> None:
    assert seen(trusted, peer, forwarded) == expected

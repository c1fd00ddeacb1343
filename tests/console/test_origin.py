"""Nothing is changed by a request that another site's page sent, whatever cookies come with it."""

import httpx
import pytest
from starlette.datastructures import Headers

from console.origin import is_ours

PASSWORD = "a quiet evening at the gate"


@pytest.mark.parametrize(
    ("headers", "ours"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "same-site", "origin": "https://gates.example", "host": "gates.example"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "https://gates.example", "host": "gates.example"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": "http://gates.example:8080", "host": "gates.example:8080"}, True),
        ({"origin": "http://gates.example", "host": "gates.example:8080"}, False),
        ({"origin": "https://evil.example", "host": "gates.example"}, False),
        ({"origin": "null", "host": "gates.example"}, False),
        ({"origin": "", "host": ""}, False),
        ({"host": "gates.example"}, False),
        ({}, False),
    ],
)
def test_whose_request_it_is(headers: dict[str, str], ours: bool) -> None:
    assert is_ours(Headers(headers)) is ours


PATHS = [
    "/console/sign-in",
    "/console/sign-out",
    "/console/orders",
    "/console/orders/01990000-0000-7000-8000-000000000000/confirm",
    "/console/alarms/01990000-0000-7000-8000-000000000000/acknowledge",
    "/console/gates/north/ask",
]


def test_every_address_that_changes_something_is_guarded(console) -> None:
    posts = [route.path for route in _routes(console.app) if "POST" in (getattr(route, "methods", None) or ())]
    assert len(posts) == len(PATHS)


def _routes(app):
    from console import actions, gate_page, pages

    return [*pages.router.routes, *actions.router.routes, *gate_page.router.routes]


@pytest.mark.parametrize("path", PATHS)
def test_another_sites_page_can_do_nothing(console, path: str) -> None:
    credentials = {"number": "F1", "password": PASSWORD}
    with httpx.Client(base_url=console.url) as client:
        signed_in = client.post("/console/sign-in", data=credentials, headers={"Origin": console.url})
        assert signed_in.status_code == 303
        content = {"data": credentials} if path.endswith(("sign-in", "sign-out")) else {"json": _body(path)}
        headers = {"Origin": "https://evil.example", "Idempotency-Key": "made-by-evil"}
        answer = client.post(path, headers=headers, **content)
        assert (answer.status_code, answer.json()["code"]) == (403, "foreign_request")
        assert client.get("/console/gates").status_code == 200, "still signed in"


def _body(path: str) -> dict[str, object]:
    if path.endswith("orders"):
        return {"action": "open", "gates": ["north"]}
    return {"number": "S1"} if path.endswith("ask") else {}

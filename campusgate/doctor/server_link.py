"""A device's way to the server: it answers, is believed, knows it, and has a gate's key and time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from uuid import UUID

import httpx

from access.credentials import key_check
from access.snapshot import KEY_CHECK_HEADER
from campusgate.doctor.certificates import TIMEOUT_S, connect_tls
from campusgate.doctor.findings import Finding, Status, fault, ok, warn
from campusgate.settings import Settings
from campusgate.wiring.server_link import make_server_trust
from directory.feed import NotPublishedError
from web.problems import NotFoundError

_LINK: Final = "server"
_CLOCKS_APART: Final = timedelta(seconds=5)
"""A command is worthless after ten seconds, and each side's clock may be off by half of that."""
_HTTPS_PORT: Final = 443
_HOW: Final = "name the campus's authority in CAMPUSGATE_SERVER_CA_FILE, or renew it: campusgate setup certificates"


def check_server(settings: Settings, role: str) -> Iterator[Finding]:
    """Examine what this gate or dispenser needs of the server, with the device's own token."""
    url = httpx.URL(settings.server_url)
    trust = make_server_trust(settings)
    if url.scheme == "https":
        context = httpx.create_ssl_context() if isinstance(trust, bool) else trust
        answer = connect_tls(_LINK, url.host, url.port or _HTTPS_PORT, context, _HOW)
        yield answer
        if answer.status is Status.FAULT:
            return
    with httpx.Client(base_url=settings.server_url, verify=trust, timeout=TIMEOUT_S) as client:
        try:
            yield from _ask(client, settings, role)
        except httpx.HTTPError as error:
            yield fault(_LINK, f"{url} does not answer ({error}); start the server, or mend CAMPUSGATE_SERVER_URL")


def _ask(client: httpx.Client, settings: Settings, role: str) -> Iterator[Finding]:
    before = datetime.now(UTC)
    health = client.get("/health")
    yield from _compare_clocks(health, before, datetime.now(UTC))
    try:
        said = health.json()["status"]
    except (ValueError, KeyError, TypeError):
        yield fault(_LINK, f"{client.base_url} answers, and is no campusgate server: mend CAMPUSGATE_SERVER_URL")
        return
    if said != "ok":
        yield warn(_LINK, f"the server says that it is {said}: run `campusgate doctor` there")
    match role:
        case "dispenser":
            yield from _ask_as_dispenser(client, settings)
        case "meters":
            yield from _ask_as_meter_reader(client, settings)
        case "library":
            yield ok(_LINK, f"{client.base_url} answers; each library system shows a token of its own")
        case _:
            yield from _ask_as_gate(client, settings, role)


def _ask_as_dispenser(client: httpx.Client, settings: Settings) -> Iterator[Finding]:
    answer = client.post(
        # Of a card that nobody has asked for: nothing begins, and who is no dispenser is told so before.
        f"/api/v1/dispenser/issues/{UUID(int=0)}/begin",
        headers={"Authorization": f"Bearer {settings.require('device_token')}"},
    )
    if _problem(answer) == NotFoundError.code:
        yield ok(_LINK, f"{client.base_url} knows this card dispenser")
    else:
        yield fault(
            _LINK,
            f"the server refuses this card dispenser ({_problem(answer)}); set CAMPUSGATE_DEVICE_TOKEN to what "
            "`campusgate devices add NAME dispenser --kiosk KIOSK` prints at the server",
        )


def _ask_as_meter_reader(client: httpx.Client, settings: Settings) -> Iterator[Finding]:
    token = settings.require("device_token")
    plan = client.get("/api/v1/meter-reader/plan", headers={"Authorization": f"Bearer {token}"})
    if not plan.is_success:
        yield fault(
            _LINK,
            f"the server refuses this reader of meters ({_problem(plan)}); set CAMPUSGATE_DEVICE_TOKEN to what "
            "`campusgate devices add reader meter` prints at the server",
        )
    elif not (lines := len(plan.json()["lines"])):
        yield warn(_LINK, f"{client.base_url} knows this reader, and has no line of meters for it yet")
    else:
        yield ok(_LINK, f"{client.base_url} knows this reader; lines of meters: {lines}")


def _ask_as_gate(client: httpx.Client, settings: Settings, role: str) -> Iterator[Finding]:
    gate = settings.require("gate")
    directory = client.get(
        f"/api/v1/directory/gates/{gate}/changes",
        # Of the controller's view, which holds no templates, and only to see whether it is given.
        params={"view": "cards", "limit": 1},
        headers={"Authorization": f"Bearer {settings.require('device_token')}"},
    )
    if not directory.is_success and _problem(directory) == NotPublishedError.code:
        yield warn(_LINK, f"the server knows this {role} and has not published the directory of gate {gate} yet: wait")
        return
    if not directory.is_success:
        yield fault(_LINK, f"the server refuses this {role} ({_problem(directory)}); {_mend(gate)}")
        return
    yield ok(_LINK, f"{client.base_url} knows this {role} of gate {gate}")
    key = settings.key_if_set("credential_key")
    if key is not None and directory.headers.get(KEY_CHECK_HEADER, "") not in {"", key_check(key)}:
        yield fault("keys", f"CAMPUSGATE_CREDENTIAL_KEY is another than the server's, so no card opens; {_mend(gate)}")


def _compare_clocks(answer: httpx.Response, before: datetime, after: datetime) -> Iterator[Finding]:
    try:
        there = parsedate_to_datetime(answer.headers["Date"])
    except (KeyError, ValueError):
        return
    # The header counts whole seconds.
    apart = max(before - there - timedelta(seconds=1), there - after, timedelta(0))
    if apart > _CLOCKS_APART:
        yield fault(
            "clock",
            f"this clock and the server's are {apart.total_seconds():.0f} s apart, so commands are refused; let both "
            "follow one time server: timedatectl set-ntp true",
        )
    else:
        yield ok("clock", "agrees with the server's")


def _mend(gate: str) -> str:
    return f"set the gate up again: `campusgate setup gate {gate} --again` at the server"


def _problem(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code}"

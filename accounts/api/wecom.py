"""What enterprise WeChat tells its app: the check of the address, and events of members."""

from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import PlainTextResponse

from accounts.api.dependencies import NowDep, ServicesDep
from accounts.sign_in import wecom_members
from accounts.sign_in.wecom_members import MemberEvents
from accounts.sign_in.wecom_messages import Envelope, MessageRefusedError, read_fields
from web.problems import NotFoundError

log = structlog.get_logger()

router = APIRouter(prefix="/api/v1/wecom", include_in_schema=False)

_LONGEST = 65_536
"""Bytes of a message; an event takes some hundreds."""

Text = Annotated[str, Query(max_length=200)]


async def _find_events(services: ServicesDep) -> MemberEvents:
    if services.member_events is None:
        raise NotFoundError("this server receives no messages of enterprise WeChat")
    return services.member_events


async def _read_body(request: Request) -> bytes:
    body = await request.body()
    if len(body) > _LONGEST:
        raise MessageRefusedError
    return body


async def _read_envelope(msg_signature: Text, timestamp: Text, nonce: Text) -> Envelope:
    return Envelope(msg_signature, timestamp, nonce)


EventsDep = Annotated[MemberEvents, Depends(_find_events)]
EnvelopeDep = Annotated[Envelope, Depends(_read_envelope)]
BodyDep = Annotated[bytes, Depends(_read_body)]


@router.get("/messages", response_class=PlainTextResponse)
def echo(
    events: EventsDep, envelope: EnvelopeDep, now: NowDep, echostr: Annotated[str, Query(max_length=2_000)]
) -> PlainTextResponse:
    """Show that this server has token and key: the text that was sent, opened, and nothing else."""
    return PlainTextResponse(events.cipher.open(envelope, echostr, now))


@router.post("/messages", response_class=PlainTextResponse)
def receive(
    events: EventsDep, envelope: EnvelopeDep, services: ServicesDep, now: NowDep, body: BodyDep
) -> PlainTextResponse:
    """Take a message; what says nothing of members is taken too, for else it comes three times."""
    sealed = read_fields(body).get("Encrypt", "")
    number = wecom_members.find_leaver(read_fields(events.cipher.open(envelope, sealed, now)))
    if number is not None:
        with services.database.begin() as session:
            outcome = wecom_members.let_go(session, events, number, notify=services.notify, now=now)
        log.info("wecom_member_left", outcome=outcome)
    return PlainTextResponse("")

"""For the gates' own devices: changes after what they hold, and the acknowledgement of what is in force."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from access.credentials import key_check
from access.passages import PresencePage
from access.snapshot import (
    ACKNOWLEDGED_HEADER,
    KEY_CHECK_HEADER,
    MODELS_HEADER,
    PICTURES_HEADER,
    TIME_HEADER,
    ChangePage,
    View,
)
from accounts.api.dependencies import DEVICE_ERRORS, GateDeviceDep, NowDep
from accounts.vocabulary import DeviceRole
from directory import acknowledgements, feed, gate_models, zone_passages
from directory.acknowledgements import Acknowledgement, Contradiction, ImpossibleAcknowledgementError
from directory.api.dependencies import IN_TURN, GateName, ServicesDep, WrongGateError, check_gate
from directory.gates_in_step import Question
from directory.tables import GateRecord
from directory.zone_passages import Asked
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/api/v1/directory", tags=["directory"], dependencies=[IN_TURN])

_MOST = 2**63 - 1
_ERRORS = (*DEVICE_ERRORS, WrongGateError, NotFoundError)


class TemplatesNotForControllersError(WrongGateError):
    """A door controller has no use for templates and gets none."""

    code = "templates_not_for_controllers"
    status = 403
    title = "A door controller asks for view=cards: templates go to the edge only"


class AppliedIn(BaseModel):
    """What a gate has in force."""

    model_config = ConfigDict(extra="forbid")

    revision: Annotated[int, Field(ge=0, le=_MOST)]
    digest: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = Field(
        default=None, description="of everything held; without it nothing counts"
    )
    view: View = "full"


@router.get(
    "/gates/{gate}/changes",
    response_model=ChangePage,
    responses={
        204: {"description": "the device holds everything, and said so before; only to those who say `held`"},
        **responses(*_ERRORS, TemplatesNotForControllersError, feed.NotPublishedError, feed.RebuildRequiredError),
    },
)
async def get_changes(
    gate: GateName,
    device: GateDeviceDep,
    services: ServicesDep,
    now: NowDep,
    *,
    since: Annotated[int, Query(ge=0, le=_MOST, description="revision up to which everything is applied")] = 0,
    revoked_since: Annotated[int, Query(ge=0, le=_MOST, description="revision up to which revocations are")] = 0,
    limit: Annotated[int, Query(ge=1, le=feed.MAX_LIMIT)] = 1000,
    view: View = "full",
    whole: Annotated[bool, Query(description="whether this fetch began at revision 0")] = False,
    models: Annotated[
        list[Annotated[str, Field(max_length=255)]] | None,
        Query(
            max_length=32, description="ids of the face models that the edge can run; left out by those that run one"
        ),
    ] = None,
    held: Annotated[
        str | None,
        Query(pattern=r"^[0-9a-f]{64}$", description="digest of everything held at `since`, to acknowledge it"),
    ] = None,
) -> Response:
    """Return the next page of changes: revocations first, then the rest in order; the last page carries the digest."""
    check_gate(device, gate)
    if view == "full" and device.role is DeviceRole.CONTROLLER:
        raise TemplatesNotForControllersError
    headers = {"Cache-Control": "no-store", KEY_CHECK_HEADER: key_check(services.credential_key)}
    if await services.looks_at_clock.get(None):
        headers[TIME_HEADER] = now.isoformat()
    if view == "full" and (pictured := services.pictured_events(gate)):
        headers[PICTURES_HEADER] = " ".join(pictured)
    if held is not None:
        runs = None if models is None else tuple(models)
        question = Question(gate, device.device_id, view, since, revoked_since, held, runs)
        in_step = await services.gates_in_step.get(question)
        if in_step is not None:
            headers |= _name_wanted(in_step.wanted) | {ACKNOWLEDGED_HEADER: str(since)}
            return Response(status_code=204, headers=headers)

    def answer() -> Response:
        said = Acknowledgement(device.device_id, view, since, held)
        acknowledged = held is not None and acknowledgements.take(services.database, gate, said, now)
        wanted = gate_models.hear(services.database, gate, device.device_id, models, now) if view == "full" else []
        page = feed.changes_since(
            services.database,
            services.sealer,
            gate,
            since=since,
            revoked_since=revoked_since,
            limit=limit,
            view=view,
            whole=whole,
        )
        said_back = {ACKNOWLEDGED_HEADER: str(since if acknowledged else 0)}
        # Written once, here: FastAPI would build and check a page of thousands of entries a second time.
        content = page.model_dump_json()
        return Response(content, media_type="application/json", headers=headers | _name_wanted(wanted) | said_back)

    return await run_in_threadpool(answer)


def _name_wanted(models: Sequence[str]) -> dict[str, str]:
    return {MODELS_HEADER: " ".join(models)} if models else {}


@router.get(
    "/gates/{gate}/presence", response_model=PresencePage, responses=responses(*_ERRORS, zone_passages.NoZoneError)
)
async def get_presence(
    gate: GateName,
    device: GateDeviceDep,
    services: ServicesDep,
    now: NowDep,
    since: Annotated[int, Query(ge=0, le=_MOST, description="the zone's revision up to which all is known")] = 0,
) -> Response:
    """Return who passed the other gates of this gate's zone last, after what the gate knows: ids and times only."""
    check_gate(device, gate)

    def find_page() -> PresencePage:
        with services.database.read() as session:
            return zone_passages.page_for(session, gate, since=since, now=now)

    page = await services.quiet_zones.get(Asked(gate, since, now))
    if page is None:
        page = await run_in_threadpool(find_page)
    # What the server says later without being asked counts only from this time on.
    headers = {TIME_HEADER: now.isoformat()} if await services.looks_at_clock.get(None) else {}
    # Written once, here: FastAPI would build and check it a second time.
    return Response(
        page.model_dump_json(), media_type="application/json", headers={"Cache-Control": "no-store", **headers}
    )


@router.post("/gates/{gate}/applied", status_code=204, responses=responses(*_ERRORS, ImpossibleAcknowledgementError))
def post_applied(gate: GateName, device: GateDeviceDep, services: ServicesDep, now: NowDep, body: AppliedIn) -> None:
    """Say which revision is in force at the gate, so that the lag of a revocation is known.

    It counts only with the digest of what this server has published at that revision.
    """
    said = Acknowledgement(device.device_id, body.view, body.revision, body.digest)
    with services.database.begin() as session:
        reason: str | None = Contradiction.WRONG_GATE
        if device.gate == gate:
            templates = device.role is not DeviceRole.CONTROLLER
            reason = acknowledgements.find_contradiction(session, gate, said, may_hold_templates=templates)
        if reason is None:
            acknowledgements.record(session, gate, said, now)
        elif device.gate is not None and session.get(GateRecord, device.gate) is not None:
            acknowledgements.record_contradiction(session, device.device_id, device.gate, reason, now)
    check_gate(device, gate)
    if reason is not None:
        raise ImpossibleAcknowledgementError(reason=reason)

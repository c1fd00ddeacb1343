"""What the process at a card dispenser asks of the server; its token may do nothing else."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from accounts.api.dependencies import DEVICE_ERRORS, NowDep, ServicesDep, require_device
from accounts.cards import loss, registry
from accounts.people import AccountNotUsableError
from accounts.principals import DevicePrincipal
from accounts.vocabulary import DeviceRole
from card_dispensing import issues, sightings
from card_dispensing.contract import CardIn, EndIn, IssueOut, IssueState, NextIssue, StatusIn
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/api/v1/dispenser", tags=["card dispenser"])

DispenserDep = Annotated[DevicePrincipal, Depends(require_device(DeviceRole.DISPENSER))]

_ISSUE_ERRORS = (*DEVICE_ERRORS, NotFoundError, issues.IssueOverError)


@router.put("/status", status_code=204, responses=responses(*DEVICE_ERRORS))
def note_status(dispenser: DispenserDep, services: ServicesDep, now: NowDep, body: StatusIn) -> None:
    """Take how the dispenser is."""
    with services.database.begin() as session:
        sightings.note(session, dispenser.device_id, body, now)


@router.get("/issue", responses=responses(*DEVICE_ERRORS))
def read_issue(dispenser: DispenserDep, services: ServicesDep, now: NowDep) -> NextIssue:
    """Say which card is to be handed out now; what was asked for too long ago is given up."""
    with services.database.read() as session:
        issue = issues.find_open(session, dispenser.device_id)
        left = None if issue is not None else issues.find_left(session, dispenser.device_id)
    if left is not None:
        with services.database.begin() as session:
            issue = issues.adopt(session, dispenser.device_id, left.id, now)
    if issue is not None and issue.state != IssueState.BOOKED and issues.is_late(issue, now):
        with services.database.begin() as session:
            issues.close_late(session, dispenser.device_id, now)
            issue = issues.find_open(session, dispenser.device_id)
    if issue is None:
        return NextIssue(issue=None)
    may_hand_out = not issues.is_late(issue, now)
    return NextIssue(issue=IssueOut(id=issue.id, state=IssueState(issue.state), may_hand_out=may_hand_out))


@router.post("/issues/{issue_id}/begin", status_code=204, responses=responses(*_ISSUE_ERRORS))
def begin(dispenser: DispenserDep, services: ServicesDep, now: NowDep, issue_id: UUID) -> None:
    """Note that a card is being moved to the reader."""
    with services.database.begin() as session:
        issues.begin(session, dispenser.device_id, issue_id, now)


@router.post(
    "/issues/{issue_id}/card",
    status_code=204,
    responses=responses(
        *_ISSUE_ERRORS,
        issues.OtherCardError,
        issues.IssueLateError,
        AccountNotUsableError,
        loss.NoLossError,
        loss.ReissueTooEarlyError,
        loss.ReissueFeeError,
        registry.InvalidUidError,
        registry.UidTakenError,
        registry.CardAlreadyIssuedError,
    ),
)
def book_card(dispenser: DispenserDep, services: ServicesDep, now: NowDep, issue_id: UUID, body: CardIn) -> None:
    """Book the card at the reader against the fee; hand it out only after this was answered.

    When the answer was lost, send it again: the same card is booked once.
    """
    issues.book(services, dispenser.device_id, issue_id, body.uid, now)


@router.post(
    "/issues/{issue_id}/end",
    status_code=204,
    responses=responses(*_ISSUE_ERRORS),
)
def end(dispenser: DispenserDep, services: ServicesDep, now: NowDep, issue_id: UUID, body: EndIn) -> None:
    """Note that the card has left by the gate, or is gone, or that it is not handed out: then it is reversed."""
    with services.database.begin() as session:
        if body.outcome is IssueState.HANDED_OUT:
            issues.hand_out(session, dispenser.device_id, issue_id, now)
        elif body.outcome is IssueState.UNCLEAR:
            issues.mark_unclear(services, session, dispenser.device_id, issue_id, now=now)
        else:
            issues.give_up(services, session, dispenser.device_id, issue_id, fault=body.fault, now=now)

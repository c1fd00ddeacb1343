"""For edges: a second photo of somebody who consented to it, taken after card and face have opened the gate."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends

from access.probe_offer import ProbeAnswer, ProbeRequest, SealedProbe
from accounts import people
from accounts.api.dependencies import DEVICE_ERRORS, NowDep, require_device
from accounts.principals import DevicePrincipal
from accounts.vocabulary import DeviceRole
from directory import probe_offers
from directory.api.dependencies import IN_TURN, GateName, WrongGateError, check_gate
from enrollment.api.dependencies import EnrollmentDep
from enrollment.gate_photos import GatePhotoLikeAnotherError, GatePhotoNotWantedError
from enrollment.photo_pairs import PhotosDisagreeError, SamePhotoError
from web.problems import NotFoundError, responses

router = APIRouter(prefix="/api/v1/directory/gates/{gate}/probe-offers", tags=["directory"], dependencies=[IN_TURN])

EdgeDep = Annotated[DevicePrincipal, Depends(require_device(DeviceRole.EDGE))]

_ERRORS = (*DEVICE_ERRORS, WrongGateError, NotFoundError, people.AccountNotUsableError)


def _check_gate(services: EnrollmentDep, device: DevicePrincipal, gate: str, now: NowDep) -> None:
    try:
        check_gate(device, gate)
    except WrongGateError as error:
        with services.database.begin() as session:
            probe_offers.record_refusal(session, device, gate, error, now=now)
        raise


@router.post("", responses=responses(*_ERRORS, probe_offers.ProbeRefusedError))
def ask(gate: GateName, device: EdgeDep, services: EnrollmentDep, now: NowDep, body: ProbeRequest) -> ProbeAnswer:
    """Ask whether a second photo of a person is wanted; the answer holds an offer, or why not and when to ask again."""
    _check_gate(services, device, gate, now)
    return probe_offers.ask(services, gate, device, body, now=now)


@router.post(
    "/{offer_id}",
    status_code=204,
    responses=responses(
        *_ERRORS,
        probe_offers.ProbeOfferUnknownError,
        probe_offers.ProbeUnreadableError,
        probe_offers.ProbePoorError,
        GatePhotoNotWantedError,
        GatePhotoLikeAnotherError,
        PhotosDisagreeError,
        SamePhotoError,
    ),
)
def send(
    gate: GateName, offer_id: UUID, device: EdgeDep, services: EnrollmentDep, now: NowDep, *, body: SealedProbe
) -> None:
    """Send the probe of an open offer, sealed to its key. The offer is used up, whatever becomes of it."""
    _check_gate(services, device, gate, now)
    probe_offers.take_probe(services, gate, device, offer_id, body, now=now)

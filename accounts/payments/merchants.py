"""Merchants, and the services enabled on each campus."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, bindparam, delete, select
from sqlalchemy.orm import Session

from accounts import audit
from accounts.ledger.chart import open_account
from accounts.ledger.transfer import AccountKind
from accounts.payments.problems import ServiceNotOnCampusError, UnknownMerchantError
from accounts.payments.tables import Merchant, ServiceCampus
from database import new_id, table_of
from web.problems import ProblemError

_MERCHANTS, _ENABLED = table_of(Merchant), table_of(ServiceCampus)
_PLACES = (
    select(_MERCHANTS.c.id, _MERCHANTS.c.campus, _MERCHANTS.c.service, _ENABLED.c.campus)
    .outerjoin(_ENABLED, and_(_ENABLED.c.service == _MERCHANTS.c.service, _ENABLED.c.campus == _MERCHANTS.c.campus))
    .where(_MERCHANTS.c.id.in_(bindparam("ids", expanding=True)))
)


class MerchantNameTakenError(ProblemError):
    """Another merchant has this name."""

    code = "merchant_name_taken"
    status = 409
    title = "Another merchant has this name"


def add(session: Session, *, name: str, campus: str, service: str, by: str, now: datetime) -> Merchant:
    """Register a merchant and open its account.

    Raises:
        MerchantNameTakenError: the name is taken.
    """
    if session.scalar(select(Merchant.id).where(Merchant.name == name)) is not None:
        raise MerchantNameTakenError
    merchant = Merchant(id=new_id(), name=name, campus=campus, service=service, created_at=now)
    session.add(merchant)
    open_account(session, merchant.id, AccountKind.MERCHANT, now, name=name)
    details: dict[str, audit.Scalar | list[str]] = {"campus": campus, "service": service}
    audit.record(session, actor=by, action="merchant.add", subject=f"merchant:{merchant.id}", now=now, details=details)
    return merchant


def find(session: Session, *, after: UUID | None = None, limit: int = 50) -> Sequence[Merchant]:
    """Return merchants in the order they were added."""
    query = select(Merchant).order_by(Merchant.id).limit(limit)
    return session.scalars(query if after is None else query.where(Merchant.id > after)).all()


def set_campuses(session: Session, service: str, campuses: Sequence[str], *, by: str, now: datetime) -> None:
    """Enable a service on exactly these campuses."""
    session.execute(delete(ServiceCampus).where(ServiceCampus.service == service))
    session.add_all(ServiceCampus(service=service, campus=campus) for campus in sorted(set(campuses)))
    details: dict[str, audit.Scalar | list[str]] = {"campuses": sorted(set(campuses))}
    audit.record(session, actor=by, action="service.campuses", subject=f"service:{service}", now=now, details=details)


def campuses_of(session: Session, service: str) -> Sequence[str]:
    """Return the campuses on which a service is enabled."""
    query = select(ServiceCampus.campus).where(ServiceCampus.service == service)
    return session.scalars(query.order_by(ServiceCampus.campus)).all()


@dataclass(frozen=True, slots=True)
class MerchantPlace:
    """A merchant, and whether its service is enabled where it is."""

    id: UUID
    campus: str
    service: str
    is_enabled: bool


def find_places(session: Session, merchant_ids: Collection[UUID]) -> Mapping[UUID, MerchantPlace]:
    """Return the merchants with these ids, by id. One query."""
    if not merchant_ids:
        return {}
    rows = session.connection().execute(_PLACES, {"ids": list(merchant_ids)})
    return {
        merchant_id: MerchantPlace(merchant_id, campus, service, enabled_on is not None)
        for merchant_id, campus, service, enabled_on in rows
    }


def require_open(
    places: Mapping[UUID, MerchantPlace], merchant_id: UUID | None, device_campus: str | None
) -> MerchantPlace:
    """Return the one of `places` that a device, which stands on `device_campus`, may take payments for.

    Raises:
        UnknownMerchantError: there is none.
        ServiceNotOnCampusError: its service is not enabled there, or the device stands on another campus.
    """
    place = None if merchant_id is None else places.get(merchant_id)
    if place is None:
        raise UnknownMerchantError
    if device_campus is not None and device_campus != place.campus:
        raise ServiceNotOnCampusError(
            "the device stands on another campus than its merchant", service=place.service, campus=place.campus
        )
    if not place.is_enabled:
        raise ServiceNotOnCampusError(service=place.service, campus=place.campus)
    return place


def require_merchant(session: Session, merchant_id: UUID | None, device_campus: str | None) -> MerchantPlace:
    """Return the merchant a device takes payments for, if it may.

    Raises:
        UnknownMerchantError: the device belongs to none.
        ServiceNotOnCampusError: its service is not enabled there, or the device stands on another campus.
    """
    return require_open(find_places(session, () if merchant_id is None else (merchant_id,)), merchant_id, device_campus)

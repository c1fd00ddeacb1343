"""What the pages work with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from accounts.payments.services import MoneyServices
from accounts.services import AccountsServices
from console.live.current_roles import CurrentRoles
from console.server_facts import ServerFacts
from console.shown_once import ShownOnce
from database import Database, Sealer
from directory.services import DirectoryServices
from enrollment.services import EnrollmentServices
from integrations.library_fines.payments import FineServices
from metering.services import MeteringServices
from network_access.services import NetworkServices
from operations.alarms.pictures import AlarmPictures
from operations.board import Board
from operations.order_service import OrderService

Names = Callable[[set[UUID]], Mapping[UUID, str]]


@dataclass(frozen=True, slots=True)
class ConsoleServices:
    """What the pages work with."""

    database: Database
    board: Board
    orders: OrderService
    sealer: Sealer = field(repr=False)
    """Opens the directory's records for the question why."""
    alarm_pictures: AlarmPictures
    accounts: AccountsServices
    enrollment: EnrollmentServices
    metering: MeteringServices
    network: NetworkServices
    directory: DirectoryServices
    names: Names
    """The names of people by id, for those who may see them."""
    now: Callable[[], datetime]
    publish_revisions: Callable[[Mapping[str, int]], object]
    """Sends gates the revision of their zone's passages."""
    secure_cookies: bool
    """Send cookies over HTTPS only; off just for the demonstration on this machine."""
    card_centre: Mapping[str, str] = field(default_factory=dict)
    """Where the card centre is and how it is reached, by language."""
    facts: ServerFacts | None = None
    """What the server knows of itself; None in front of a server that is only its pages."""
    current_roles: CurrentRoles = field(default_factory=CurrentRoles)
    """Asked by every stream whether its reader may go on."""
    shown_once: ShownOnce = field(default_factory=ShownOnce, repr=False)
    """Tokens, codes and passwords of a moment ago, for forms that are sent twice."""

    fines: FineServices | None = None
    """None where no library's system is set."""

    @property
    def money(self) -> MoneyServices:
        """What moves money."""
        return self.metering.money

    @property
    def zone(self) -> ZoneInfo:
        """The campus's time zone, in which pages show moments."""
        return self.accounts.zone

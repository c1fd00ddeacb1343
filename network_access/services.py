"""What network access works with, built once by the rim and put at `app.state.network_access`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from zoneinfo import ZoneInfo

from accounts.payments.services import MoneyServices
from accounts.sign_in.access_tokens import derive_key
from database import Database
from network_access.terms import ServiceTerms
from network_access.vocabulary import NetworkService
from web.problems import NotFoundError


@dataclass(frozen=True)
class NetworkServices:
    """Values and ports of network access: `terms` of the services that the campus offers."""

    money: MoneyServices
    terms: Mapping[NetworkService, ServiceTerms] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        """The database of the accounts."""
        return self.money.database

    @property
    def zone(self) -> ZoneInfo:
        """The campus's time zone: months of free minutes begin by it."""
        return self.money.accounts.zone

    @cached_property
    def class_key(self) -> bytes:
        """The key by which the Class of a login is known for ours."""
        return derive_key(self.money.accounts.secret, "network-login-class")

    def find_terms(self, service: NetworkService) -> ServiceTerms:
        """Return the terms of a service; of one that is not offered any more those that a session ends by."""
        return self.terms.get(service) or ServiceTerms()

    def terms_of(self, service: NetworkService) -> ServiceTerms:
        """Return the terms of a service.

        Raises:
            NotFoundError: the campus does not offer it.
        """
        terms = self.terms.get(service)
        if terms is None:
            raise NotFoundError(f"the settings offer no {service.value} (CAMPUSGATE_NETWORK__…)")
        return terms

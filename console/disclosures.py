"""The same mark as `accounts.api.disclosures`, for whoever is signed in on the pages."""

from collections.abc import Iterator
from typing import Any

from fastapi import Depends, Request

from accounts.audit import disclosures
from console.dependencies import ServicesDep, SignedInDep


class PageDisclosureRecorder:
    """A dependency that records a disclosure once the page has its answer, and before the answer leaves."""

    def __init__(self, action: str, subject: str) -> None:
        """Take what the line says; `subject` as in `accounts.api.disclosures.DisclosureRecorder`."""
        self.action = action
        self.subject = subject

    def __call__(self, request: Request, services: ServicesDep, claims: SignedInDep) -> Iterator[None]:
        """Let the route answer, then write."""
        yield
        disclosures.record_request(
            services.database,
            by=claims.person_id,
            action=self.action,
            subject=self.subject,
            path=request.path_params,
            query=request.query_params,
            now=services.now(),
        )


def record_disclosure(action: str, subject: str) -> Any:
    """Return the mark for a route's `dependencies`."""
    return Depends(PageDisclosureRecorder(action, subject), scope="function")

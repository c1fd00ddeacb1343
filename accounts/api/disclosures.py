"""Marks routes that show what is known of other people, so that each disclosure is in the audit trail."""

from collections.abc import Iterator
from typing import Any

from fastapi import Depends, Request

from accounts.api.dependencies import NowDep, PrincipalDep, ServicesDep
from accounts.audit import disclosures


class DisclosureRecorder:
    """A dependency that records a disclosure once the route has answered, and before the answer leaves.

    `subject` is `kind:id`, with the route's path parameters in braces. What was refused or not found is none.
    """

    def __init__(self, action: str, subject: str) -> None:
        """Take what the line says."""
        self.action = action
        self.subject = subject

    def __call__(self, request: Request, services: ServicesDep, principal: PrincipalDep, now: NowDep) -> Iterator[None]:
        """Let the route answer, then write."""
        yield
        disclosures.record_request(
            services.database,
            by=principal.person_id,
            action=self.action,
            subject=self.subject,
            path=request.path_params,
            query=request.query_params,
            now=now,
        )


def record_disclosure(action: str, subject: str) -> Any:
    """Return the mark for a route's `dependencies`."""
    return Depends(DisclosureRecorder(action, subject), scope="function")

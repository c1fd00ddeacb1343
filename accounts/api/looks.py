"""Marks routes that show what is known of other people, so that each look is in the audit trail."""

from collections.abc import Iterator
from typing import Any

from fastapi import Depends, Request

from accounts import looks
from accounts.api.dependencies import NowDep, PrincipalDep, ServicesDep


class Look:
    """A dependency that writes a look down once the route has answered, and before the answer leaves.

    `subject` is `kind:id`, with the route's path parameters in braces. What was refused or not found is no look.
    """

    def __init__(self, action: str, subject: str) -> None:
        """Take what the line says."""
        self.action = action
        self.subject = subject

    def __call__(self, request: Request, services: ServicesDep, principal: PrincipalDep, now: NowDep) -> Iterator[None]:
        """Let the route answer, then write."""
        yield
        looks.record_request(
            services.database,
            by=principal.person_id,
            action=self.action,
            subject=self.subject,
            path=request.path_params,
            query=request.query_params,
            now=now,
        )


def look(action: str, subject: str) -> Any:
    """Return the mark for a route's `dependencies`."""
    return Depends(Look(action, subject), scope="function")

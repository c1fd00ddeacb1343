"""Somebody at the card centre, who works through the HTTP API like everybody else."""

from typing import Any
from uuid import UUID

import httpx


class StaffError(Exception):
    """The server refused what the staff asked for; the message carries its answer."""


class Staff:
    """A signed-in member of staff."""

    def __init__(self, server_url: str, number: str, password: str) -> None:
        """Sign in.

        Raises:
            StaffError: number or password was refused.
        """
        self._client = httpx.Client(base_url=server_url, timeout=10.0)
        answer = self._client.post(
            "/api/v1/tokens", data={"grant_type": "password", "username": number, "password": password}
        )
        token = _checked(answer)["access_token"]
        self._client.headers["Authorization"] = f"Bearer {token}"

    def report_lost(self, person_id: UUID) -> None:
        """Report the person's card as lost."""
        _checked(self._client.post(f"/api/v1/people/{person_id}/loss"))

    def revisions(self, gate: str) -> list[int]:
        """Return the directory's revision in force at each device of `gate`."""
        lags = _checked(self._client.get("/api/v1/directory/lags", params={"gate": gate}))
        return [lag["revision"] for lag in lags]

    def close(self) -> None:
        """End the connection."""
        self._client.close()


def _checked(answer: httpx.Response) -> Any:
    if answer.is_error:
        raise StaffError(f"{answer.request.url.path}: {answer.status_code} {answer.text[:300]}")
    return answer.json() if answer.content else None

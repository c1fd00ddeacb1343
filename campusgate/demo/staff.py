"""Somebody who works here, through the HTTP API like everybody else."""

from typing import Any
from uuid import UUID, uuid4

import httpx

from campusgate.demo.api_client import checked, sign_in


class Staff:
    """A signed-in member of staff."""

    def __init__(self, server_url: str, number: str, password: str) -> None:
        """Sign in.

        Raises:
            RefusedError: number or password was refused.
        """
        self._titles: dict[str, str] = {}
        self._client = httpx.Client(base_url=server_url, timeout=10.0)
        sign_in(self._client, number, password)

    def report_lost(self, person_id: UUID) -> None:
        """Report the person's card as lost."""
        checked(self._client.post(f"/api/v1/people/{person_id}/loss"))

    def revisions(self, gate: str) -> list[int]:
        """Return the directory's revision in force at each device of `gate`, as the devices acknowledged it."""
        return [lag["revision"] for lag in self._lags(gate)]

    def published(self, gate: str) -> int:
        """Return the directory's revision that was published last for `gate`."""
        latest: int = max(lag["latest_revision"] for lag in self._lags(gate))
        return latest

    def _lags(self, gate: str) -> list[dict[str, Any]]:
        lags: list[dict[str, Any]] = checked(self._client.get("/api/v1/directory/lags", params={"gate": gate}))
        return lags

    def order(self, action: str, gate: str) -> str:
        """Give an order to one gate and return its effect there."""
        answer = self._order({"action": action, "gates": [gate]})
        effect: str = answer["results"][0]["effect"]
        return effect

    def order_everywhere(self, action: str) -> list[str]:
        """Give an order to every gate and return its effects."""
        return [result["effect"] for result in self._order({"action": action, "everywhere": True})["results"]]

    def alarms(self) -> list[dict[str, Any]]:
        """Return the alarms that are open."""
        return list(checked(self._client.get("/api/v1/operations/alarms/open")))

    def acknowledge(self, alarm_id: str, note: str) -> None:
        """Say that the alarm was looked at, and what it was."""
        checked(self._client.post(f"/api/v1/operations/alarms/{alarm_id}/acknowledge", json={"note": note}))

    def policy(self, gate: str) -> dict[str, Any]:
        """Return the gate's policy."""
        found: dict[str, Any] = checked(self._client.get(f"/api/v1/directory/gates/{gate}"))
        self._titles[gate] = found["title"]
        policy: dict[str, Any] = found["policy"]
        return policy

    def set_policy(self, gate: str, policy: dict[str, Any]) -> None:
        """Give the gate another policy than the one that was asked for."""
        wanted = {"title": self._titles[gate], "policy": policy}
        checked(self._client.put(f"/api/v1/directory/gates/{gate}", json=wanted, headers=self._ticket("gate")))

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def _order(self, order: dict[str, Any]) -> Any:
        headers = {"Idempotency-Key": str(uuid4()), **self._ticket(order["action"])}
        return checked(self._client.post("/api/v1/operations/orders", json=order, headers=headers))

    def _ticket(self, action: str) -> dict[str, str]:
        """Return the header by which `action` is allowed for the next few seconds."""
        given = checked(self._client.post("/api/v1/operations/tickets", json={"action": action}))
        return {"Door-Ticket": given["ticket"]}

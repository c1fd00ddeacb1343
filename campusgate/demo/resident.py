"""Somebody who lives in the dormitory and looks at their account, through the HTTP API as the pages do."""

import re
from typing import Any, Final
from uuid import UUID, uuid4

import httpx

from campusgate.demo.api_client import checked, sign_in

_HIDDEN: Final = re.compile(r'name="(key|fen)" value="([^"]+)"')


class Resident:
    """A signed-in holder."""

    def __init__(self, server_url: str, number: str, password: str, query_password: str) -> None:
        """Sign in.

        Raises:
            RefusedError: number or password was refused.
        """
        self._server_url, self._form = server_url, {"number": number, "password": password}
        self.number = number
        self._query_password = query_password
        self._virtual_card: str | None = None
        self._client = httpx.Client(base_url=server_url, timeout=10.0)
        sign_in(self._client, number, password)

    def claim_virtual_card(self) -> None:
        """Claim the virtual card of the pages."""
        body = {"query_password": self._query_password}
        self._virtual_card = checked(self._client.post("/api/v1/me/virtual-cards", json=body))["id"]

    def show_code(self) -> str:
        """Return the signed code that the phone shows now."""
        code: str = checked(self._client.post(f"/api/v1/me/virtual-cards/{self._virtual_card}/code"))["signed_code"]
        return code

    def show_payment_code(self) -> str:
        """Return the code that the phone shows to a till now; the virtual card was claimed before."""
        code: str = checked(self._client.post(f"/api/v1/me/virtual-cards/{self._virtual_card}/code"))["code"]
        return code

    def top_up(self, channel: str, fen: int) -> UUID:
        """Order a top-up through a channel; it is still to be paid there."""
        body = {"id": str(uuid4()), "channel": channel, "amount": fen}
        return UUID(checked(self._client.post("/api/v1/me/top-ups", json=body))["id"])

    def wallet(self) -> dict[str, Any]:
        """Return the wallet: `balance`, `holds`."""
        return self._get("/me/wallet")

    def last_shower(self) -> dict[str, Any] | None:
        """Return the session that began last."""
        found = self._get("/me/water-sessions")["items"]
        return found[0] if found else None

    def usage(self) -> dict[str, Any]:
        """Return what was used: months of electricity, days of water."""
        return self._get("/me/usage")

    def rooms_money(self) -> dict[str, Any]:
        """Return what the room has left."""
        return self._get("/me/room/money")

    def supply(self) -> dict[str, Any]:
        """Return the room's supply: how it is, why, what helps."""
        return self._get("/me/room/supply")

    def top_room_up(self, room_id: UUID, fen: int) -> dict[str, Any]:
        """Look whom the room belongs to, and pay for it."""
        quote = self._get(f"/rooms/{room_id}/preview")["quote"]
        path, body = f"/api/v1/rooms/{room_id}/top-ups", {"quote": quote, "fen": fen}
        answer = self._client.post(path, json=body, headers={"Idempotency-Key": str(uuid4())})
        paid: dict[str, Any] = checked(answer)
        return paid

    def look_at_page(self) -> dict[str, Any]:
        """Sign in at the pages, and return what one's page of water and electricity shows at first."""
        with httpx.Client(base_url=self._server_url, headers={"Origin": self._server_url}, timeout=10.0) as browser:
            browser.post("/console/sign-in", data=self._form)
            shown: dict[str, Any] = checked(browser.get("/console/me/usage/state"))
            return shown

    def pay_library_fines(self) -> bool:
        """Look at the page of library fines and press its button; return whether the page showed what was paid."""
        address = f"{self._server_url}/console/me/money/fines"
        with httpx.Client(headers={"Origin": self._server_url}, timeout=10.0, follow_redirects=True) as browser:
            browser.post(f"{self._server_url}/console/sign-in", data=self._form)
            shown = browser.get(address)
            form = dict(_HIDDEN.findall(shown.text))
            return bool(form) and browser.post(address, data=form).is_success

    def last_purpose(self) -> str:
        """Return what the newest line of the account's statement is for."""
        purpose: str = self._get("/me/statement")["items"][0]["purpose"]
        return purpose

    def close(self) -> None:
        """End the connection."""
        self._client.close()

    def _get(self, path: str) -> dict[str, Any]:
        found: dict[str, Any] = checked(self._client.get(f"/api/v1{path}"))
        return found

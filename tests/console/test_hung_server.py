"""A server that hangs (SIGSTOP) or dies under real pages and real gates: nothing opens late, and the pages say it."""

import os
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from bus import BrokerAddress
from bus.embedded import EmbeddedBroker
from console.live.heartbeat import HEARTBEAT_S, SILENT_S
from database import Database
from operations.tables import GateEvent, StaffOrder
from tests.console import server_alone
from tests.console.page_server import PASSWORD, Pages, install_gate
from tests.console.server_alone import GATES, KEYS
from tests.databases import CREDENTIAL_KEY
from tests.forked import running
from tests.waiting import PATIENCE_S, until
from web.tickets import LIFE

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

BEATS = (0.5, 4.0)
"""Quicker than in earnest; how the two hang together is tested below."""


@dataclass
class Alone:
    """A server in a process of its own, with two gates behind it in this one."""

    url: str
    process: BaseProcess
    pages: Pages

    def hang(self) -> None:
        os.kill(self.process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self.process.pid, signal.SIGCONT)

    @contextmanager
    def signed_in(self) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=self.url, timeout=30, headers={"Origin": self.url}) as client:
            client.post("/console/sign-in", data={"number": "F1", "password": PASSWORD})
            yield client

    def ticket(self, client: httpx.Client, action: str) -> str:
        # On a connection of its own: one that is kept would have run out by the time a hung server goes on.
        headers = {"Connection": "close"}
        return client.post("/console/tickets", json={"action": action}, headers=headers).json()["ticket"]

    def order(self, client: httpx.Client, ticket: str, action: str = "open", key: str = "one-of-mine"):
        headers = {"Idempotency-Key": key, "Door-Ticket": ticket}
        return client.post("/console/orders", json={"action": action, "gates": ["north"]}, headers=headers)

    def happened(self) -> list[str]:
        """What was done at the north gate, once everything before this moment is over: a last order is the mark."""
        with self.signed_in() as client:
            answer = self.order(client, self.ticket(client, "lock"), "lock", key="the-mark")
        assert [one["effect"] for one in answer.json()["results"]] == ["done"]

        def kinds() -> list[str]:
            with self.pages.database.read() as session:
                return list(session.scalars(select(GateEvent.kind).where(GateEvent.gate == "north")))

        until(lambda: "always_closed" in kinds())
        return [kind for kind in kinds() if kind != "controller_started"]

    def orders(self) -> list[tuple[str, str]]:
        with self.pages.database.read() as session:
            return [(one.action, one.state) for one in session.scalars(select(StaffOrder).order_by(StaffOrder.id))]


@pytest.fixture
def alone(imported_rooms: None, sqlite_template: Path, tmp_path: Path) -> Iterator[Alone]:
    shutil.copyfile(sqlite_template, tmp_path / "campusgate.db")
    database = Database(f"sqlite:///{tmp_path / 'campusgate.db'}", credential_key=CREDENTIAL_KEY)
    with EmbeddedBroker(port=0) as broker:
        pages = Pages("", None, database, None, {}, {})
        for gate in GATES:
            install_gate(pages, gate, BrokerAddress(port=broker.port), KEYS, tmp_path / gate)
        try:
            with running(server_alone.main, tmp_path, broker.port, *BEATS) as (process, pipe):
                assert pipe.poll(2 * PATIENCE_S), "the server did not start"
                pages.url = pipe.recv()
                yield Alone(pages.url, process, pages)
                if process.is_alive():
                    os.kill(process.pid, signal.SIGCONT)
        finally:
            for controller in pages.controllers.values():
                controller.stop()
            database.close()


def card(page, gate: str = "north"):
    return page.locator(f"[data-gate={gate}]")


def test_an_order_that_staff_cancelled_while_the_server_hung_opens_nothing(open_window, alone: Alone) -> None:
    page = open_window(alone.pages, "F1")
    card(page).get_by_role("button", name="Open once").click()
    alone.hang()
    page.get_by_role("dialog").get_by_role("button", name="Open once").click()
    page.wait_for_timeout(300)
    page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    page.get_by_text("Cancelled; the order was not sent.").wait_for()
    alone.go_on()
    assert alone.happened() == ["always_closed"]
    assert alone.orders() == [("lock", "done")]


def test_an_order_that_nobody_answers_is_given_up_by_the_page_itself(open_window, alone: Alone) -> None:
    page = open_window(alone.pages, "F1")
    card(page).get_by_role("button", name="Open once").click()
    alone.hang()
    page.get_by_role("dialog").get_by_role("button", name="Open once").click()
    page.get_by_text("The server does not answer; the order was not sent.").wait_for()
    alone.go_on()
    assert alone.happened() == ["always_closed"]


def test_an_order_that_reached_a_hung_server_is_too_old_when_it_goes_on(alone: Alone) -> None:
    with alone.signed_in() as client:
        ticket = alone.ticket(client, "open")
        alone.hang()
        answers = []
        sender = threading.Thread(target=lambda: answers.append(alone.order(client, ticket)))
        sender.start()
        sender.join(LIFE.total_seconds())
        alone.go_on()
        sender.join()
        assert [(one.status_code, one.json()["code"]) for one in answers] == [(409, "ticket_over")]
        again = alone.order(client, ticket)
        assert again.json()["code"] == "ticket_over", "the same request once more is as old"
    assert alone.happened() == ["always_closed"]
    assert alone.orders() == [("lock", "done")]


def test_a_client_that_went_away_meanwhile_wants_nothing_any_more(alone: Alone) -> None:
    """The server hangs for less than a ticket lives; whoever sent the order has closed the connection by then."""
    with alone.signed_in() as client:
        ticket = alone.ticket(client, "open")
        cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    alone.hang()
    host, port = alone.url.removeprefix("http://").split(":")
    body = b'{"action": "open", "gates": ["north"]}'
    head = [
        "POST /console/orders HTTP/1.1",
        f"Host: {host}:{port}",
        f"Origin: {alone.url}",
        f"Cookie: {cookies}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        "Idempotency-Key: given-up-again",
        f"Door-Ticket: {ticket}",
    ]
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
    alone.go_on()
    assert alone.happened() == ["always_closed"]


def test_a_page_whose_server_hangs_says_how_old_its_data_is_and_takes_no_orders(open_window, alone: Alone) -> None:
    page = open_window(alone.pages, "F1")
    card(page).get_by_text("Controller: online").wait_for()
    opened = open_window(alone.pages, "F2")
    card(opened).get_by_role("button", name="Open once").click()
    alone.hang()
    is_shown_as_old(page, "The server does not answer")
    is_shown_as_old(opened, "The server does not answer")
    assert opened.get_by_role("dialog").get_by_role("button", name="Open once").is_disabled()
    alone.go_on()
    for one in (page, opened):
        one.locator("#link.live").wait_for()
        assert one.locator("body.stale").count() == 0
        assert one.locator("#not-live").is_hidden()
    assert opened.get_by_role("dialog").get_by_role("button", name="Open once").is_enabled()
    assert card(page).get_by_role("button", name="Open once").is_enabled()


@pytest.mark.parametrize("address", ["/console/gates", "/console/gates/north"])
def test_a_page_whose_server_died_keeps_no_green_dots(open_window, alone: Alone, address: str) -> None:
    page = open_window(alone.pages, "F1")
    page.goto(alone.url + address)
    page.locator("#link.live").wait_for()
    card(page).get_by_text("Controller: online").wait_for()
    alone.process.kill()
    is_shown_as_old(page, "Connection lost")


def is_shown_as_old(page, why: str) -> None:
    page.locator("body.stale").wait_for()
    assert why in page.locator("#link").inner_text()
    assert "data as of" in page.locator("#link").inner_text()
    page.locator("#not-live").get_by_text("data as of").wait_for()
    assert [page.locator(f"{place} time").count() for place in ("#link", "#not-live")] == [1, 1]
    colour = "one => getComputedStyle(one.closest('main > *')).filter"
    assert page.locator(".gate .dot").first.evaluate(colour) == "grayscale(1)"
    buttons = page.locator("[data-action], #many button, #forgive-here")
    assert buttons.count() > 0
    assert all(button.is_disabled() for button in buttons.all())


def test_a_page_waits_for_more_than_one_beat() -> None:
    assert SILENT_S >= 3 * HEARTBEAT_S

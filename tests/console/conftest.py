"""A real server with the pages, and a real browser to look at them."""

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import uvicorn
from fastapi import FastAPI

from accounts import passwords, people
from accounts.services import AccountsServices
from accounts.tables import PersonRole
from accounts.vocabulary import PasswordPurpose, PersonKind, Role
from console import pages
from database import Database, new_id
from gate_controller.messages import Event
from operations import journal
from operations.board import Board

PASSWORD = "a quiet evening at the gate"


@dataclass
class Pages:
    """The server's address, and what stands behind it."""

    url: str
    app: FastAPI
    database: Database
    board: Board
    names: dict

    def happen(self, count: int = 1, **changes: object) -> list[Event]:
        """Let events arrive as the ingest does."""
        events = [
            Event.model_validate(
                {"id": new_id(), "gate": "north", "at": datetime.now(UTC), "kind": "access_granted"} | changes
            )
            for _ in range(count)
        ]
        with self.database.begin() as session:
            journal.record(session, events, received_at=datetime.now(UTC))
        self.board.touch()
        return events


def hire(database: Database, services: AccountsServices, number: str, *roles: Role) -> None:
    now = datetime.now(UTC)
    with database.begin() as session:
        particulars = people.Particulars(number=number, name="Chen Jing", kind=PersonKind.STAFF, valid_from=now)
        person = people.create(session, particulars, by="test", now=now)
        session.add_all(PersonRole(person_id=person.id, role=role) for role in roles)
        hashes = {PasswordPurpose.PORTAL: services.hasher.hash(PASSWORD)}
        passwords.store(session, person.id, hashes, must_change=False, by="test", now=now)


@pytest.fixture
def console(database: Database) -> Iterator[Pages]:
    """The pages on a free port, with one member of facilities staff (F1) and one student (S1)."""
    services = AccountsServices(database=database, secret=bytes(range(32)))
    hire(database, services, "F1", Role.FACILITIES)
    hire(database, services, "S1")
    board, names = Board(), {}
    app = FastAPI()
    pages.install(
        app,
        pages.ConsoleServices(
            database=database,
            board=board,
            tokens=services.access_tokens,
            desk=services.desk,
            names=lambda wanted: {one: names[one] for one in wanted if one in names},
            now=lambda: datetime.now(UTC),
            secure_cookies=False,
        ),
    )
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield Pages(f"http://127.0.0.1:{listener.getsockname()[1]}", app, database, board, names)
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    """Debian's Chromium, driven by Playwright."""
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    if executable is None:
        pytest.skip("Chromium is not installed: Debian package `chromium`")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
        browser = playwright.chromium.launch(executable_path=executable, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def page(browser) -> Iterator[object]:
    """A fresh window of an English reader."""
    context = browser.new_context(locale="en-GB")
    context.set_default_timeout(15_000)
    yield context.new_page()
    context.close()

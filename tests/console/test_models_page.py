"""Face models in the administration: how far everybody has come, and the choice of one gate's model."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import numpy as np
import pytest
from sqlalchemy import select

from accounts.tables import AuditEntry
from directory import gates
from directory.publisher import Publisher
from enrollment import templates
from models.template import Template
from tests.console.administration import check_pages, resident, rule, staff
from tests.console.page_server import SEALER, Pages, signed_in

MODELS = "/console/administration/models"
OLD, NEW = "former-1", "present-1"


@pytest.fixture(scope="module")
def console(served_pages: Pages) -> Pages:
    staff(served_pages)
    rule(served_pages)
    for number, models in (("2026101", (OLD,)), ("2026102", (OLD, NEW)), ("2026103", ())):
        person = resident(served_pages, number, "residents")
        with served_pages.database.begin() as session:
            for model in models:
                template = Template(model, np.eye(8, dtype=np.float32)[0])
                templates.store(session, SEALER, person, template, at=datetime.now(UTC))
    for model in (OLD, NEW):
        Publisher(served_pages.database, SEALER, model_id=model).publish()
    return served_pages


@pytest.fixture(scope="module")
def admin(console: Pages) -> Iterator[httpx.Client]:
    with signed_in(console, "A1") as client:
        yield client


def test_people_and_gates_are_shown_by_model(admin: httpx.Client, open_window, console: Pages) -> None:
    page = admin.get(MODELS).text
    assert "1 people by present-1" in page
    assert "1 people by former-1" in page
    assert "0 can be made from kept pictures" in page
    assert "present-1</option>" in page
    check_pages(open_window, console, "A1", [MODELS])


def test_an_administrator_chooses_the_model_of_a_gate(admin: httpx.Client, console: Pages) -> None:
    def choose(model: str) -> httpx.Response:
        ticket = admin.post("/console/tickets", json={"action": "gate"}).json()["ticket"]
        return admin.post(f"{MODELS}/north/choice", data={"model_id": model, "ticket": ticket})

    assert "It was changed" in choose(OLD).text
    refused = choose("never-used-1")
    assert (refused.status_code, "The campus does not use this face model" in refused.text) == (422, True)
    with console.database.read() as session:
        assert gates.get(session, "north").model_id == OLD
        assert session.scalars(select(AuditEntry.subject).where(AuditEntry.action == "gate.model")).all() == [
            "gate:north"
        ]
    choose("")
    with console.database.read() as session:
        assert gates.get(session, "north").model_id is None
    assert admin.post(f"{MODELS}/north/choice", data={"model_id": OLD}).status_code >= 400, "without a ticket"

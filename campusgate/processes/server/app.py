"""The server's application: every room's routes over the assembled parts, and what guards them."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from fastapi import FastAPI
from sqlalchemy import select
from starlette.datastructures import Headers
from starlette.requests import cookie_parser

import console.pages
import operations.api
import web.problems
from accounts import devices
from accounts.api.router import router as accounts_router
from accounts.services import AccountsServices
from accounts.sign_in.access_tokens import NotSignedInError
from accounts.tables import Person
from campusgate.processes.server.assembly import Server
from campusgate.processes.server.background import Background
from campusgate.settings import CardCentreSettings
from campusgate.wiring.metrics import make_metrics
from campusgate.wiring.server_state import make_server_facts
from card_dispensing.api import router as dispenser_router
from console.pages.office.imports import LARGEST as LARGEST_LIST
from console.sign_in_cookies import ACCESS_COOKIE
from directory.api.routes import router as directory_router
from enrollment.api import router as enrollment_router
from enrollment.photo_form import MAX_FORM_BYTES
from metering.api.router import router as metering_router
from network_access.api.router import router as network_router
from operations import plan_pictures
from operations.api import health
from operations.api.metrics import router as metrics_router
from web.forwarded_address import ForwardedAddress
from web.request_guard import GuardLimits, RequestGuard
from web.request_times import RequestTimer, find_areas
from web.route_index import index_routes
from web.routes import add_routes
from web.security_headers import SecurityHeaders

_PLAN_FORM_BYTES = plan_pictures.MAX_BYTES + 65_536
_LARGER_BODIES = {
    "/photos": MAX_FORM_BYTES,
    "/reference-photos": MAX_FORM_BYTES,
    "/people/import": 2_097_152,
    "/office/imports": LARGEST_LIST + 65_536,
    "/money/subsidies": 1_048_576,
    "/money/subsidies/preview": 2_097_152,
    "/meter-reader/readings": 2_097_152,
    "/console/plans": _PLAN_FORM_BYTES,
    "/plan-picture": _PLAN_FORM_BYTES,
}
"""Routes that take pictures, plans, lists of people, or a cycle of 5,000 meters; only who is known may send as much."""


def make_app(server: Server) -> FastAPI:
    """Return the application; its lifespan starts and ends the background work."""
    background = Background(server)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        background.start()
        yield
        background.stop()

    app = FastAPI(
        title="campusgate",
        version="1",
        summary="Access control and face recognition at the edge for a university campus.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.accounts = server.accounts
    app.state.money = server.money
    app.state.metering = server.metering
    app.state.network_access = server.network
    app.state.enrollment = server.enrollment
    app.state.directory = server.directory
    app.state.operations = server.operations
    app.state.health = health.HealthServices(server.database, server.connections, server.storage)
    app.state.tickets = server.tickets
    web.problems.install(app)
    # Routes are tried in order, and nobody asks as often as the gates.
    add_routes(
        app,
        directory_router,
        accounts_router,
        enrollment_router,
        metering_router,
        network_router,
        dispenser_router,
        operations.api.router,
        metrics_router,
        health.router,
        *server.routers,
    )
    metrics = make_metrics(
        server.settings,
        server.database,
        server.operations.board,
        server.ingest,
        server.showers,
        leads=lambda: background.leads,
    )
    app.state.metrics = None if metrics is None else metrics.services
    console.pages.install(app, _console(server))
    index_routes(app.router)
    at_once = server.settings.web.requests_per_address
    limits = GuardLimits(larger=_LARGER_BODIES, at_once=at_once)
    app.add_middleware(RequestGuard, limits=limits, check_large_body=partial(_not_known, server.accounts))
    app.add_middleware(SecurityHeaders)
    app.add_middleware(ForwardedAddress, trusted=server.settings.trusted_proxies)
    if metrics is not None:
        metrics.requests.areas = find_areas(app.router)
        app.add_middleware(RequestTimer, times=metrics.requests)
    return app


def _not_known(accounts: AccountsServices, headers: Headers) -> NotSignedInError | None:
    """Return why nobody is known by these headers; whether they may do what they want is for the route to say."""
    kind, _, bearer = headers.get("authorization", "").partition(" ")
    token = bearer if kind.lower() == "bearer" else cookie_parser(headers.get("cookie", "")).get(ACCESS_COOKIE, "")
    try:
        accounts.sign_in.access_tokens.read(token, now=accounts.clock())
    except NotSignedInError as error:
        return None if _is_device(accounts, token) else error
    return None


def _is_device(accounts: AccountsServices, token: str) -> bool:
    with accounts.database.read() as session:
        return devices.authenticate(session, token) is not None


def _console(server: Server) -> console.pages.ConsoleServices:
    def names(wanted: set[UUID]) -> Mapping[UUID, str]:
        if not wanted:
            return {}
        with server.database.read() as session:
            people = session.execute(select(Person.id, Person.name).where(Person.id.in_(wanted)))
            return {person.id: person.name for person in people}

    return console.pages.ConsoleServices(
        database=server.database,
        board=server.operations.board,
        orders=server.operations.orders,
        sealer=server.sealer,
        alarm_pictures=server.operations.pictures,
        accounts=server.accounts,
        enrollment=server.enrollment,
        metering=server.metering,
        network=server.network,
        directory=server.directory,
        names=names,
        now=lambda: datetime.now(UTC),
        publish_revisions=server.operations.hints.publish,
        secure_cookies=not server.settings.demonstration,
        card_centre=_card_centre(server.settings.card_centre),
        facts=make_server_facts(server),
        shown_once=server.shown_once,
        fines=server.fines,
    )


def _card_centre(settings: CardCentreSettings | None) -> Mapping[str, str]:
    return {} if settings is None else {"zh": settings.zh, "en": settings.en or settings.zh}

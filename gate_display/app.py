"""The screen served at the gate itself, from the gate's own broker: it works while the server is away."""

import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.responses import RedirectResponse, Response

from bus.port import Bus
from gate_display.page import FOLDER, render, stream_screen
from gate_display.screen import Screen
from messages import Availability, DoorState, Event, Feedback, GateTopics, ProcessStatus, decoding_handler, newest_only
from web.security_headers import SecurityHeaders
from web.static_files import CompressedFiles


def follow(bus: Bus, topics: GateTopics, screen: Screen) -> None:
    """Keep `screen` up to date with what the gate says at its broker."""
    bus.on_disconnect(screen.lose_contact)
    bus.subscribe(topics.state, decoding_handler(DoorState, lambda message, _: screen.take_door(message)))
    for topic, take in ((topics.availability, screen.take_controller), (topics.edge_availability, screen.take_edge)):
        bus.subscribe(topic, decoding_handler(Availability, newest_only(partial(_take_status, take))))
    bus.subscribe(topics.feedback, decoding_handler(Feedback, lambda message, _: screen.take_advice(message.advice)))
    bus.subscribe(topics.events, decoding_handler(Event, lambda message, _: screen.take_event(message)))


def _take_status(take: Callable[[ProcessStatus], None], message: Availability, _retained: bool) -> None:
    take(message.status)


def make_display_app(screen: Screen, title: str, zone: ZoneInfo, stop: threading.Event | None = None) -> FastAPI:
    """Return the application of one gate's screen, with the campus's time; its streams end when `stop` is set."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(SecurityHeaders)
    static = CompressedFiles(FOLDER / "static", "/static")
    app.mount(static.mount_path, static)

    async def may_go_on() -> bool:
        return stop is None or not stop.is_set()

    @app.get("/")
    def enter() -> Response:
        return RedirectResponse("/display", status_code=303)

    @app.get("/display", response_class=HTMLResponse)
    def show() -> Response:
        html = render(
            title=title, zone=zone, stream="/display/stream", static=lambda name: f"{static.mount_path}/{name}"
        )
        return HTMLResponse(html, headers={"Cache-Control": "no-store"})

    @app.get("/display/stream", response_class=EventSourceResponse)
    async def stream() -> AsyncIterator[ServerSentEvent]:
        async for event in stream_screen(screen, may_go_on):
            yield event

    return app

"""The staff's pages of metering from their templates: with their words alone, figures, and who is signed in."""

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from accounts import people
from accounts.sign_in.access_tokens import Claims
from accounts.vocabulary import Role
from console.live.heartbeat import SILENT_S
from console.rendering import language_of, path_to, render_page
from console.services import ConsoleServices
from console.texts import some_texts
from console.views.metering_figures import Figures

_TABLES = ("metering.", "problem.", "signing.", "punctuation.", "order.")
"""What the scripts of these pages say; the whole would be as large as a page."""


def render_metering(
    request: Request,
    template: str,
    services: ConsoleServices,
    staff: Claims,
    *,
    figures: Figures,
    mark: str | None = None,
    stream: str | None = None,
    **values: Any,
) -> HTMLResponse:
    """Return a page of metering; `stream` is the address that tells whether `mark` is still that of what is shown."""
    with services.database.read() as session:
        person = people.get(session, staff.person_id)
    return render_page(
        request,
        template,
        texts=some_texts(language_of(request), _TABLES),
        figures=figures,
        person=person,
        setup={
            "root": path_to(request, "home"),
            "signIn": path_to(request, "console_sign_in"),
            "stream": stream,
            "mark": mark,
            "silentMs": round(SILENT_S * 1000),
        },
        is_admin=Role.ADMIN in staff.roles,
        **values,
    )

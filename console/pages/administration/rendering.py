"""Pages of the administration from their templates, with what draws a week."""

from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from console.rendering import render_page
from console.views import week


def render_administration(request: Request, template: str, **values: Any) -> HTMLResponse:
    """Return a page, as `render_page`; `week_views` says and draws schedules."""
    return render_page(request, template, week_views=week, **values)

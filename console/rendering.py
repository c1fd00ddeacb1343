"""From templates to pages."""

from functools import partial
from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates

from console import texts

FOLDER = Path(__file__).parent
_templates = Jinja2Templates(FOLDER / "templates")


def path(request: Request, name: str, **parameters: Any) -> str:
    """Return the address of a page without scheme and host, which a proxy in front may have changed."""
    return request.url_for(name, **parameters).path


def page(
    request: Request, template: str, *, status: int = 200, renewed: Response | None = None, **values: Any
) -> HTMLResponse:
    """Return a page in the language of the reader's browser.

    `renewed` is FastAPI's own response object, where a renewed sign-in left its cookies; the page is another one.
    """
    chosen = texts.language(request.headers.get("accept-language"))
    context: dict[str, Any] = {
        "lang": chosen,
        "t": texts.translator(chosen),
        "texts": texts.for_scripts(chosen),
        "path": partial(path, request),
        **values,
    }
    made = _templates.TemplateResponse(request, template, context, status_code=status)
    for cookie in renewed.headers.getlist("set-cookie") if renewed is not None else ():
        made.headers.append("set-cookie", cookie)
    return made

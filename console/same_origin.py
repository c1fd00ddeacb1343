"""A second lock beside the strict cookies: a request that changes something must come from these very pages."""

from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import URL, Headers

from web.problems import ProblemError


class ForeignRequestError(ProblemError):
    """Another site's page, or a program that says nothing about where it comes from, sent this."""

    code = "foreign_request"
    status = 403
    title = "This request does not come from the console's own pages"


def is_same_origin(headers: Headers) -> bool:
    """Tell whether the browser says that one of our own pages sent the request.

    `Sec-Fetch-Site` is the browser's word, which no script can set. It is missing where the address is neither HTTPS
    nor this machine; there `Origin` must name the host that was asked.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    host = headers.get("host")
    return bool(host) and URL(headers.get("origin", "")).netloc == host


async def _require_same_origin(request: Request) -> None:
    if not is_same_origin(request.headers):
        raise ForeignRequestError


SameOriginDep = Annotated[None, Depends(_require_same_origin)]
"""Lets through only what our own pages sent."""

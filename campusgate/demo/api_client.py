"""How the people of the demonstration sign in to the HTTP API, and read its answers."""

from typing import Any

import httpx


class RefusedError(Exception):
    """The server refused what a person asked for; the message carries its answer."""


def sign_in(client: httpx.Client, number: str, password: str) -> None:
    """Let what `client` asks from now on be asked by this person.

    Raises:
        RefusedError: number or password was refused.
    """
    form = {"grant_type": "password", "username": number, "password": password}
    client.headers["Authorization"] = f"Bearer {checked(client.post('/api/v1/tokens', data=form))['access_token']}"


def checked(answer: httpx.Response) -> Any:
    """Return an answer's JSON, None where it has none.

    Raises:
        RefusedError: the server refused.
    """
    if answer.is_error:
        raise RefusedError(f"{answer.request.url.path}: {answer.status_code} {answer.text[:300]}")
    return answer.json() if answer.content else None

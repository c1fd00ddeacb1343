"""On a gate's computer: the one exchange with the server, protected by the code."""

import secrets
import ssl
from pathlib import Path

import httpx
from pydantic import ValidationError

from access.gate_setup import (
    GateAccess,
    Sealed,
    ServerKey,
    SetupCode,
    SetupRequest,
    SetupSealError,
    open_answer,
    seal_request,
)
from campusgate.setup.files import SetupError

_TIMEOUT_S = 20.0
_LOCAL = {"127.0.0.1", "::1", "localhost"}


def require_confidential(url: str) -> str:
    """Return the server's address as it is used, which must be of HTTPS unless the server is this machine.

    Raises:
        SetupError: it is none, or the gate's tokens would cross the network in clear.
    """
    address = httpx.URL(url)
    if address.scheme not in {"http", "https"} or not address.host:
        raise SetupError(f"--server {url}: give its address as https://campusgate.example.edu")
    if address.scheme == "http" and address.host not in _LOCAL:
        raise SetupError(
            f"--server {url}: over http the gate's tokens and people's names would cross the network in clear"
        )
    return url.rstrip("/")


def use_code(url: str, code: SetupCode, controller_key: str, *, has_edge: bool) -> GateAccess:
    """Show the code to the server at `url` and return what it gives the gate.

    Raises:
        SetupError: no answer, a refusal, or a server that is not the one the code was made at.
    """
    # The certificate is not asked: the code says whom to believe, also before the campus's authority is known here.
    with httpx.Client(base_url=f"{url}/api/v1/directory", timeout=_TIMEOUT_S, verify=False) as client:  # noqa: S501
        try:
            shown = ServerKey.model_validate_json(_checked(client.get("gate-setup")).content)
            if not code.names(shown.public_key):
                raise SetupError(
                    f"{url} is not the server that this code was made at, or somebody stands between: nothing was "
                    "sent; compare the address with the one that the server printed beside the code"
                )
            request = SetupRequest(
                secret=code.secret,
                answer_key=secrets.token_bytes(32),
                controller_key=controller_key,
                has_edge=has_edge,
            )
            sent = Sealed(sealed=seal_request(request, shown.public_key)).model_dump_json()
            answer = client.post("gate-setup", content=sent, headers={"Content-Type": "application/json"})
            return open_answer(Sealed.model_validate_json(_checked(answer).content).sealed, request)
        except httpx.HTTPError as error:
            raise SetupError(f"{url} does not answer: {error}") from error
        except (ValidationError, SetupSealError) as error:
            raise SetupError(
                f"{url} gave an answer that is no campusgate server's, or was changed on its way"
            ) from error


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_success:
        return answer
    try:
        problem = answer.json()
        raise SetupError(f"the server says no: {problem['title']} ({problem['code']})")
    except (ValueError, KeyError, TypeError) as error:
        raise SetupError(f"the server answers {answer.status_code} and says no more: is it campusgate's?") from error


def find_authority(url: str, authority: Path | None) -> Path | None:
    """Return the file by which this machine believes the server's certificate; None: by its own public authorities.

    Raises:
        SetupError: by neither.
    """
    if httpx.URL(url).scheme == "http":
        return None
    why = ""
    for file in (None, *([authority] if authority is not None else [])):
        trust: ssl.SSLContext | bool = True if file is None else ssl.create_default_context(cafile=file)
        try:
            httpx.get(f"{url}/api/v1/directory/gate-setup", verify=trust, timeout=_TIMEOUT_S)
        except httpx.HTTPError as error:
            why = str(error)
        else:
            return file
    raise SetupError(
        f"the certificate of {url} is believed neither by this machine nor by the campus's authority: {why}"
    )

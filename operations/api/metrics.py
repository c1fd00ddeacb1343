"""`GET /metrics`, for Prometheus. The rim puts `MetricsServices` at `app.state.metrics` where a token is configured."""

import hmac
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from web.problems import NotFoundError, ProblemError, responses

router = APIRouter(tags=["operations"])

_scheme = HTTPBearer(scheme_name="metrics", description="The token of CAMPUSGATE_METRICS_TOKEN.", auto_error=False)


class MetricsTokenNeededError(ProblemError):
    """The figures tell who keeps watch and who does not, so they are not for everybody."""

    code = "metrics_token_needed"
    status = 401
    title = "The metrics token is needed"


@dataclass(frozen=True, slots=True)
class MetricsServices:
    """The registry, and the token that opens it."""

    registry: CollectorRegistry
    token: str = field(repr=False)


@router.get(
    "/metrics",
    response_class=Response,
    responses=responses(MetricsTokenNeededError, NotFoundError) | {200: {"content": {"text/plain": {}}}},
)
def metrics(request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_scheme)]) -> Response:
    """Return the figures of the server and its gates in Prometheus' text format."""
    services: MetricsServices | None = getattr(request.app.state, "metrics", None)
    if services is None:
        raise NotFoundError("no metrics token is configured")
    if shown is None or not hmac.compare_digest(shown.credentials.encode(), services.token.encode()):
        raise MetricsTokenNeededError(headers={"WWW-Authenticate": "Bearer"})
    return Response(generate_latest(services.registry), media_type=CONTENT_TYPE_LATEST)

"""For the computer of a new gate, which holds a code of its staff and nothing else yet."""

from fastapi import APIRouter

from access.gate_setup import Sealed, ServerKey
from accounts.api.dependencies import NowDep
from directory import gate_setup
from directory.api.dependencies import ServicesDep
from web.client_address import NetworkDep
from web.problems import responses
from web.rate_limits import TooManyTriesError

router = APIRouter(prefix="/api/v1/directory/gate-setup", tags=["directory"])


@router.get("")
def show_key(services: ServicesDep) -> ServerKey:
    """Show the key that requests are sealed to. Believe it only where the code has its fingerprint."""
    return ServerKey(public_key=services.setup.private_key.public_key().public_bytes_raw())


@router.post(
    "",
    responses=responses(
        TooManyTriesError,
        gate_setup.SetupUnavailableError,
        gate_setup.SetupUnreadableError,
        gate_setup.SetupCodeUnknownError,
        gate_setup.SetupCodeSpentError,
    ),
)
def use_code(services: ServicesDep, now: NowDep, network: NetworkDep, body: Sealed) -> Sealed:
    """Use a code: the sealed answer holds tokens, keys and passwords of the gate's devices."""
    answer = gate_setup.use_code(services.database, services.setup, body.sealed, network=network, now=now)
    return Sealed(sealed=answer)

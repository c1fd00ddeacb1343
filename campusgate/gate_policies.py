"""A gate's policy from what a command was given."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from access.policy import GatePolicy
from campusgate.commands import CommandError
from campusgate.settings import Settings


def make_new_policy(
    settings: Settings, gate: str, *, kind: str, groups: Sequence[str], mode: str | None = None
) -> GatePolicy:
    """Return the policy that a gate begins with; without a mode it is the usual one of its kind.

    Raises:
        CommandError: a part of it cannot hold.
    """
    return read_policy(
        {
            "gate": gate,
            "site": settings.site,
            "time_zone": settings.time_zone.key,
            "kind": kind,
            "mode": mode or ("card" if kind == "wet_room" else "face_or_card"),
            "rules": [{"group": one} for one in groups],
        }
    )


def read_policy(given: "dict[str, Any] | str") -> GatePolicy:
    """Return the policy that fields or a JSON text describe.

    Raises:
        CommandError: a part of it cannot hold.
    """
    try:
        return GatePolicy.model_validate_json(given) if isinstance(given, str) else GatePolicy.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise CommandError(f"the policy cannot hold: {where}{': ' if where else ''}{message}") from error

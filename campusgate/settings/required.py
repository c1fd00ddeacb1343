"""What each process cannot do without, named all at once where it is missing."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from campusgate.settings.errors import SettingsError
from campusgate.settings.keys import HOW_TO_MAKE

if TYPE_CHECKING:
    from campusgate.settings.process import Settings

_OF_A_GATE: Final = ("gate", "device_token", "signing_key_file", "trusted_keys_file", "template_key")
REQUIRED: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "server": ("template_key", "token_secret", "credential_key"),
        "controller": (*_OF_A_GATE, "credential_key"),
        "edge": _OF_A_GATE,
        "dispenser": ("device_token",),
        "meters": ("device_token",),
        "library": (),
        "shower": ("signing_key_file", "trusted_keys_file", "credential_key"),
        "display": (),
    }
)
"""Names of settings, by process."""


def require_all(settings: "Settings", process: str) -> None:
    """Check that everything is set that a process of this name needs.

    Raises:
        SettingsError: something is not; the message names all of it.
    """
    missing = [name for name in REQUIRED[process] if getattr(settings, name) is None]
    if not missing:
        return
    how: dict[str, list[str]] = {}
    for name in missing:
        how.setdefault(HOW_TO_MAKE[name].removeprefix("; "), []).append(f"CAMPUSGATE_{name.upper()}")
    if len(how) == 1:
        (hint, names), *_ = how.items()
        are = "is" if len(names) == 1 else "are"
        raise SettingsError(f"{_joined(names)} {are} not set; {hint}")
    names = [f"CAMPUSGATE_{name.upper()}" for name in missing]
    hints = "; ".join(f"{_joined(found)}: {hint}" for hint, found in how.items())
    raise SettingsError(f"{_joined(names)} are not set; {hints}")


def _joined(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"

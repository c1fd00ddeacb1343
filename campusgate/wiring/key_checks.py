"""Everything that the server keeps sealed under the template key."""

from campusgate.settings import Settings, SettingsError
from database import Database, Sealer, SealingError
from database.key_checks import KeyChangedError, require_same_key
from database.resealing import SealedColumn, check
from directory.probe_offers import SEALED as PROBE_OFFERS
from directory.records import SEALED as DIRECTORY
from enrollment.sealed import SEALED as ENROLLMENT
from operations.alarms.pictures import SEALED as ALARM_PICTURES

SEALED: tuple[SealedColumn, ...] = (*ENROLLMENT, *DIRECTORY, *PROBE_OFFERS, *ALARM_PICTURES)
"""The columns of the database that a change of the key must go through."""

WHERE_KEYS_ARE = (
    ": set CAMPUSGATE_TEMPLATE_KEY and CAMPUSGATE_TEMPLATE_KEY_NUMBER to the key it was sealed under, "
    "or add that key to CAMPUSGATE_PREVIOUS_TEMPLATE_KEYS"
)

_NO_CARD_OPENS = ": no card, code or PIN given out so far would open a gate. Set the key that it was, as at every gate"


def require_right_key(database: Database, sealer: Sealer) -> None:
    """Open some of what is sealed, so that a process with a wrong key does not start.

    Raises:
        SettingsError: it does not open.
    """
    try:
        check(database, sealer, SEALED)
    except SealingError as error:
        raise SettingsError(f"{error}{WHERE_KEYS_ARE}") from error


def require_same_keys(database: Database, settings: Settings) -> None:
    """Check that the keys are those that this database was first used with, also where nothing is sealed yet.

    Raises:
        SettingsError: one is another.
    """
    require_same_template_key(database, settings)
    _require_same(database, settings, "credential_key", "credential key", _NO_CARD_OPENS)


def require_same_template_key(database: Database, settings: Settings) -> None:
    """Check the template key alone, for a command that seals.

    Raises:
        SettingsError: it is another than the one with its number before.
    """
    _require_same(database, settings, "template_key", f"template key {settings.template_key_number}", WHERE_KEYS_ARE)


def _require_same(database: Database, settings: Settings, variable: str, name: str, mend: str) -> None:
    try:
        with database.begin() as session:
            require_same_key(session, name, settings.require_key(variable))
    except KeyChangedError as error:
        raise SettingsError(
            f"CAMPUSGATE_{variable.upper()} is another key than this database was used with before{mend}"
        ) from error

"""Everything that the server keeps sealed under the template key."""

from campusgate.settings import SettingsError
from database import Database, Sealer, SealingError
from database.resealing import SealedColumn, check
from directory.records import SEALED as DIRECTORY
from enrollment.sealed import SEALED as ENROLLMENT

SEALED: tuple[SealedColumn, ...] = (*ENROLLMENT, *DIRECTORY)
"""The columns of the database that a change of the key must go through."""

WHERE_KEYS_ARE = (
    ": set CAMPUSGATE_TEMPLATE_KEY and CAMPUSGATE_TEMPLATE_KEY_NUMBER to the key it was sealed under, "
    "or add that key to CAMPUSGATE_PREVIOUS_TEMPLATE_KEYS"
)


def require_right_key(database: Database, sealer: Sealer) -> None:
    """Open some of what is sealed, so that a process with a wrong key does not start.

    Raises:
        SettingsError: it does not open.
    """
    try:
        check(database, sealer, SEALED)
    except SealingError as error:
        raise SettingsError(f"{error}{WHERE_KEYS_ARE}") from error

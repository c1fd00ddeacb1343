"""From settings to the sealer of biometric data, as the server and each gate's processes use it."""

from campusgate.settings import Settings, SettingsError
from database.sealing import Sealer


def make_sealer(settings: Settings) -> Sealer:
    """Return the sealer with the current template key and the ones before it.

    Raises:
        SettingsError: a key is missing or unusable, or two keys have one number.
    """
    current = settings.template_key_number
    older = settings.older_template_keys()
    if current in older:
        raise SettingsError(
            f"CAMPUSGATE_PREVIOUS_TEMPLATE_KEYS holds a key with the number {current}, which is the current key's: "
            "give the new key the next number in CAMPUSGATE_TEMPLATE_KEY_NUMBER"
        )
    try:
        return Sealer(settings.require_key("template_key"), key_number=current, older=older)
    except ValueError as error:
        raise SettingsError(f"CAMPUSGATE_PREVIOUS_TEMPLATE_KEYS: {error}") from error

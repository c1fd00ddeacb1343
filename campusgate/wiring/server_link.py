"""From settings to how a device knows that the server is the server."""

import ssl

from campusgate.settings import Settings, SettingsError


def make_server_trust(settings: Settings) -> ssl.SSLContext | bool:
    """Return what httpx verifies the server with: the authority that the settings name, or True for the public ones.

    Raises:
        SettingsError: the authority's file cannot be used.
    """
    if settings.server_ca_file is None:
        return True
    try:
        return ssl.create_default_context(cafile=settings.server_ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"CAMPUSGATE_SERVER_CA_FILE: {settings.server_ca_file} cannot be used: {error}") from error

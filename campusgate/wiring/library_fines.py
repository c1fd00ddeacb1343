"""From settings to what library fines are paid with."""

import ssl
from datetime import datetime

from accounts.payments.services import MoneyServices
from campusgate.settings import Settings, SettingsError
from integrations.library_fines.payments import FineServices
from integrations.sip2.library_system import LibraryOptions, Sip2LibrarySystem

_LINE_ENDS = {"cr": b"\r", "crlf": b"\r\n"}


def make_fines(settings: Settings, money: MoneyServices) -> FineServices | None:
    """Return what fines are paid with; None where no library's system is set.

    Raises:
        SettingsError: the authority's file cannot be used.
    """
    library = make_library_system(settings)
    return None if library is None else FineServices(money, library)


def make_library_system(settings: Settings) -> Sip2LibrarySystem | None:
    """Return the library's own system, or None where none is set; asks nobody.

    Raises:
        SettingsError: the authority's file cannot be used.
    """
    fines = settings.library_fines
    if fines is None:
        return None
    try:
        tls = ssl.create_default_context(cafile=fines.ca_file) if fines.tls else None
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"CAMPUSGATE_LIBRARY_FINES__CA_FILE: {fines.ca_file} cannot be used: {error}") from error
    options = LibraryOptions(
        host=fines.host,
        port=fines.port,
        tls=tls,
        login=fines.login,
        password=fines.password.get_secret_value(),
        terminal_password=fines.terminal_password.get_secret_value(),
        institution=fines.institution,
        location=fines.location,
        encoding=fines.encoding,
        line_end=_LINE_ENDS[fines.line_end],
        has_error_detection=fines.error_detection,
        fee_type=fines.fee_type,
        payment_type=fines.payment_type,
        names_fines=fines.names_fines,
    )
    return Sip2LibrarySystem(options, lambda: datetime.now(settings.time_zone))

"""A library fine: what is owed is asked of the library's own system, paid from the account, and reported there."""

from campusgate.demo.report import SceneResult
from campusgate.demo.stage import Stage

_FINE_FEN = 250


def library_fine_paid(stage: Stage) -> SceneResult:
    """A book came back late: the fine is paid on the phone, taken from the account once, and the library has it."""
    expected = "seen, taken once, booked at the library"
    resident, library = stage.resident, stage.installations.library
    before, booked = resident.wallet()["available"], len(library.payments)
    library.charge(resident.number, _FINE_FEN)
    library.charge(stage.campus.personas.holder.number, _FINE_FEN)  # Left to be paid by whoever tries the pages.
    is_seen = resident.pay_library_fines()
    taken = before - resident.wallet()["available"]
    at_library = list(library.payments.values())[booked:]
    is_listed = resident.last_purpose() == "library_fine"
    right = is_seen and taken == _FINE_FEN and at_library == ["2.50"] and is_listed
    got = f"seen {is_seen}, {taken} fen taken, the library booked {at_library}, on the statement {is_listed}"
    return SceneResult("library_fine_paid", expected, expected if right else got)

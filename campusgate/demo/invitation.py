"""What the demonstration prints for whoever looks at its pages: who one can be, where to go, and what to try."""

import io
from collections.abc import Iterator

import segno

from campusgate.demo.campus import GATE, GATE_TITLE, THIS_MACHINE, Campus
from campusgate.demo.personas import Persona
from campusgate.demo.script import SCENES

_PLAIN_HTTP = """\
[yellow]This is plain HTTP: whoever listens on that network reads passwords and pages, so use no real ones. Cookies of a
sign-in go without HTTPS in the demonstration alone. Browsers give the live camera to HTTPS only: the photo page asks
for the phone's own camera or a file; and the virtual card cannot keep the screen on.[/]"""


def invite(campus: Campus) -> str:
    """Return what is printed before the day, with rich's markup."""
    console = f"{campus.server_url}/console"
    lines = [
        f"Open [bold link]{console}/[/] and sign in; each account lands on its own page:",
        "",
        "  Number    Password      6 digits  Who, and what is there",
        *_accounts(campus),
        "",
        "Query and consumption password of a holder are the six digits: for the virtual card, and above a limit.",
        "Two accounts at once need two browsers, or a private window.",
        f"  The wall (as F0001): {console}/wall",
        f"  The screen at {GATE_TITLE} (as F0001): {console}/display/{GATE}",
        f"  Kiosk: {console}/kiosk/pair, paired once with the token",
        f"    [bold]{campus.kiosk_token}[/]",
        f"  Meters, rooms and prices (as F0001): {console}/metering",
        f"  The API is described at {campus.server_url}/api/v1/openapi.json",
        *_phone(campus),
        "",
        f"The day begins: {len(SCENES)} scenes at a gate and in a dormitory, in about three minutes. What is played:",
    ]
    return "\n".join(lines)


def say_what_goes_on(campus: Campus) -> str:
    """Return what is printed after the day."""
    personas = campus.personas
    return (
        "The day is over, the pages stay; people come and go by two gates, shower, and use electricity.\n"
        f"Sign in as {personas.reviewer.number} (password {personas.reviewer.password}) and approve the photo of "
        f"{personas.others[0].number}, Sun Min: the gate then opens for that face.\n"
        f"Sign in as {personas.resident.number} to see a shower's cost while it runs, and to pay for the room.\n"
        f"Logs and databases of every process: {campus.folder}\n"
        "Ctrl-C stops everything."
    )


def _accounts(campus: Campus) -> Iterator[str]:
    personas = campus.personas
    for persona, what in (
        (personas.guard, "guard: board, wall, records, the gates' rules (open this one first)"),
        (personas.cashier, "cashier: money desk, people and cards"),
        (personas.admin, "administrator: everything, imports, audit trail"),
        (personas.reviewer, "reviewer: three photos wait"),
        (personas.resident, "resident: home, money, shower and room"),
        (personas.holder, "student: the photo waits for the reviewer"),
        (personas.newcomer, "newcomer: first passwords to change, never asked about the face"),
    ):
        yield _account(persona, what)


def _account(persona: Persona, what: str) -> str:
    digits = persona.digits if persona.role is None else ""
    return f"  [bold]{persona.number:<9} {persona.password:<13} {digits:<9}[/] {persona.name}, {what}"


def _phone(campus: Campus) -> Iterator[str]:
    if campus.host == THIS_MACHINE:
        yield "  From a phone: start it with --host and this machine's address in the phone's network."
        return
    address = f"{campus.server_url}/console/"
    code = io.StringIO()
    segno.make(address, error="l", micro=False).terminal(code, compact=True)
    yield f"\nFrom a phone in the same network: {address}\n"
    # Its light squares are drawn; a terminal with dark letters would turn the code around.
    yield f"[bright_white on black]{code.getvalue().rstrip()}[/]"
    yield _PLAIN_HTTP

"""`campusgate audit`: proof that neither the audit trail nor the ledger's journal was changed."""

import re
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from campusgate.commands import CommandError, print_json
from campusgate.opened_database import opened
from campusgate.settings import Settings

if TYPE_CHECKING:
    from accounts.audit import Verification
    from accounts.ledger.journal import Head, JournalReport


def register(app: typer.Typer) -> None:
    """Add the commands."""
    audit = typer.Typer(help="The audit trail and the ledger's journal.", no_args_is_help=True)
    audit.callback()(_group)
    audit.command()(verify)
    app.add_typer(audit, name="audit")


def _group() -> None:
    """Check the audit trail and the ledger's journal."""


def verify(
    trail_head: Annotated[
        str | None, typer.Option(help="Head of the trail noted at an earlier run; finds removed last lines.")
    ] = None,
    journal_head: Annotated[
        str | None, typer.Option(help="Head of the journal noted at an earlier run, as NUMBER:DIGEST.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Walk both hash chains from their beginning. Exits 1 and names the first broken line when one was changed.

    Note the heads that this prints outside of the server's reach, and give them to the next run.
    """
    from accounts import audit
    from accounts.ledger import journal

    expect = _digest(trail_head, "--trail-head") if trail_head is not None else None
    anchors = [_head(journal_head)] if journal_head is not None else []
    with opened(Settings()) as database:
        with database.read() as session:
            trail = audit.verify(session, expect=expect)
        with database.read() as session:
            ledger = journal.verify(session, anchors=anchors)
    if as_json:
        print_json({"intact": trail.intact and ledger.whole, "trail": _trail(trail), "journal": _journal(ledger)})
    else:
        sys.stdout.write("\n".join(_lines(trail, ledger)) + "\n")
    if not (trail.intact and ledger.whole):
        raise typer.Exit(1)


def _lines(trail: "Verification", ledger: "JournalReport") -> list[str]:
    lines: list[str] = []
    if trail.first_broken is not None:
        lines.append(f"audit trail: BROKEN at line {trail.first_broken}: it was changed, inserted or moved")
    elif not trail.expected_head_found:
        lines.append("audit trail: BROKEN: the head noted earlier is gone; last lines were removed")
    else:
        lines.append(f"audit trail: {trail.lines} lines intact, head {trail.head}")
    lines += [
        f"journal: BROKEN at lines {fault.first_serial}–{fault.last_serial} (seal {fault.seal}): {fault.message}"
        for fault in ledger.faults
    ]
    if not ledger.faults:
        head = f"{ledger.head.number}:{ledger.head.digest.hex()}" if ledger.head else "none"
        lines.append(f"journal: {ledger.sealed} lines intact, {ledger.unsealed} not sealed yet, head {head}")
    return lines


def _trail(found: "Verification") -> dict[str, Any]:
    return {
        "intact": found.intact,
        "lines": found.lines,
        "head": found.head,
        "first_broken": found.first_broken,
        "expected_head_found": found.expected_head_found,
    }


def _journal(found: "JournalReport") -> dict[str, Any]:
    return {
        "intact": found.whole,
        "seals": found.seals,
        "sealed": found.sealed,
        "unsealed": found.unsealed,
        "head": f"{found.head.number}:{found.head.digest.hex()}" if found.head else None,
        "faults": [
            {
                "seal": fault.seal,
                "first_serial": fault.first_serial,
                "last_serial": fault.last_serial,
                "message": fault.message,
            }
            for fault in found.faults
        ],
    }


def _digest(text: str, option: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise CommandError(f"{option} takes 64 hexadecimal digits, as `campusgate audit verify` printed them")
    return text


def _head(text: str) -> "Head":
    from accounts.ledger.journal import Head

    number, _, digest = text.partition(":")
    if not number.isdecimal():
        raise CommandError("--journal-head takes NUMBER:DIGEST, as `campusgate audit verify` printed it")
    return Head(int(number), bytes.fromhex(_digest(digest, "--journal-head")))

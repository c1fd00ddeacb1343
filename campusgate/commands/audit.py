"""`campusgate audit`: proof that audit trail, journal and everything that follows from them were not changed."""

import re
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from campusgate.commands import CommandError, open_database, print_json

if TYPE_CHECKING:
    from accounts.audit import Verification
    from accounts.ledger.seal_chain import Head, JournalReport
    from campusgate.verification import Findings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    audit = typer.Typer(help="The audit trail and the ledger's journal.", no_args_is_help=True)
    audit.callback()(_group)
    audit.command()(verify)
    app.add_typer(audit, name="audit")


def _group() -> None:
    """Check the audit trail and the ledger's journal."""


def verify(
    head: Annotated[
        list[str] | None,
        typer.Option(
            "--head",
            "--trail-head",
            help="A head of the trail that was noted, or sent to gates or the webhook, earlier; may be given again. "
            "Finds removed last lines and a chain that was written anew.",
        ),
    ] = None,
    journal_head: Annotated[
        list[str] | None, typer.Option(help="Head of the journal noted at an earlier run, as NUMBER:DIGEST.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Walk both hash chains, replay the journal, and compare every stored number with what it follows from.

    Exits 1 and names what was changed. Note the heads that this prints outside of the server's reach, and give them to
    the next run. The copy of the trail beside the database is compared too, where there is one.
    """
    from accounts.audit.trail_copy import TrailCopy
    from campusgate.settings import Settings
    from campusgate.verification import verify as verify_all
    from campusgate.wiring.database import name_of

    settings = Settings()
    heads = [_digest(one.rpartition(":")[2], "--head") for one in head or ()]
    anchors = [_head(one) for one in journal_head or ()]
    with open_database(settings) as database:
        copy = TrailCopy(settings.resolved_record_dir)
        found = verify_all(database, datetime.now(UTC), heads=heads, journal_heads=anchors, copy=copy)
        name = name_of(database)
    if as_json:
        print_json({"database": name, **_document(found)})
    else:
        sys.stdout.write("\n".join([f"database: {name}", *_lines(found)]) + "\n")
    if not found.intact:
        raise typer.Exit(1)


def _lines(found: "Findings") -> list[str]:
    lines: list[str] = []
    trail, ledger = found.trail, found.journal
    if trail.first_broken is not None:
        lines.append(f"audit trail: BROKEN at line {trail.first_broken}: it was changed, inserted or moved")
    for head in trail.missing_heads:
        lost = f"the head {head} noted earlier is gone"
        lines.append(f"audit trail: BROKEN: {lost}; last lines were removed, or all were written anew")
    lines += [f"audit trail: BROKEN: {fault}" for fault in found.copy_faults]
    if trail.intact and not found.copy_faults:
        lines.append(
            f"audit trail: {trail.lines} lines intact, {found.copied} of them in the copy, "
            f"head {trail.lines}:{trail.head}"
        )
    for fault in ledger.faults:
        where = f"lines {fault.first_serial}–{fault.last_serial} (seal {fault.seal})"
        lines.append(f"journal: BROKEN at {where}: {fault.message}")
    if not ledger.faults:
        end = f"{ledger.head.number}:{ledger.head.digest.hex()}" if ledger.head else "none"
        lines.append(f"journal: {ledger.sealed} lines intact, {ledger.unsealed} not sealed yet, head {end}")
    lines += [f"books: WRONG: {one}" for one in found.differences]
    if not found.differences:
        lines.append("books: every balance, hold, correction, counter and total follows from the journal")
    return lines


def _document(found: "Findings") -> dict[str, Any]:
    return {
        "intact": found.intact,
        "trail": _trail(found.trail) | {"copied": found.copied, "copy_faults": list(found.copy_faults)},
        "journal": _journal(found.journal),
        "books": {"intact": not found.differences, "differences": [asdict(one) for one in found.differences]},
    }


def _trail(found: "Verification") -> dict[str, Any]:
    return {
        "intact": found.intact,
        "lines": found.lines,
        "head": f"{found.lines}:{found.head}",
        "first_broken": found.first_broken,
        "missing_heads": list(found.missing_heads),
    }


def _journal(found: "JournalReport") -> dict[str, Any]:
    return {
        "intact": found.whole,
        "seals": found.seals,
        "sealed": found.sealed,
        "unsealed": found.unsealed,
        "head": f"{found.head.number}:{found.head.digest.hex()}" if found.head else None,
        "faults": [asdict(fault) for fault in found.faults],
    }


def _digest(text: str, option: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise CommandError(f"{option} takes 64 hexadecimal digits, as `campusgate audit verify` printed them")
    return text


def _head(text: str) -> "Head":
    from accounts.ledger.seal_chain import Head

    number, _, digest = text.partition(":")
    if not number.isdecimal():
        raise CommandError("--journal-head takes NUMBER:DIGEST, as `campusgate audit verify` printed it")
    return Head(int(number), bytes.fromhex(_digest(digest, "--journal-head")))

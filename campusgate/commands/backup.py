"""`campusgate backup` and `campusgate restore`: the server's database in one file."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from campusgate.commands import CommandError, print_json

if TYPE_CHECKING:
    from campusgate.backup.file import Backup

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    target: Annotated[Path, typer.Argument(help="A new file, or a folder in which one named by the time is made.")],
    *,
    keep: Annotated[int | None, typer.Option(min=1, help="In a folder: how many of the newest backups stay.")] = None,
    as_json: _Json = False,
) -> None:
    """Write the server's database into one file, also while it runs. Keys are not in it: campusgate setup export.

    Exits 1 when the audit trail or the ledger's journal was changed; the file is there all the same.
    """
    from campusgate.backup.backup import back_up, note_backup
    from campusgate.backup.file import SUFFIX
    from campusgate.settings import Settings
    from database import Database
    from database.dated_files import forget_older, name_in

    if keep is not None and not target.is_dir():
        raise CommandError(f"--keep is for a folder, and {target} is none")
    database, now = Database(Settings().resolved_direct_url), datetime.now(UTC)
    try:
        done = back_up(database, name_in(target, SUFFIX, now) if target.is_dir() else target)
        note_backup(database, done, now)
        if keep is not None and done.intact:
            forget_older(target, SUFFIX, keep=keep)
        _print_backup(done, as_json=as_json)
    finally:
        database.close()


def restore(
    file: Annotated[Path, typer.Argument(help="A file of `campusgate backup`")],
    *,
    without_manifest: Annotated[
        bool, typer.Option("--without-manifest", help="Take a file whose manifest is lost; it may be a part.")
    ] = False,
    only_try: Annotated[
        bool, typer.Option("--try", help="Restore into a database of its own that is gone afterwards; nothing changes.")
    ] = False,
    as_json: _Json = False,
) -> None:
    """Fill an empty database from a backup and check it; nothing is overwritten. Exits 1 when a chain is broken.

    Faces and consent that were withdrawn after the backup, cards that were lost, tokens that were revoked and passwords
    that were changed are taken away again, as the copy of the audit trail says; everybody signs in anew.
    """
    from accounts.audit.trail_copy import TrailCopy
    from campusgate.backup.rehearsal import rehearse
    from campusgate.backup.restore import restore as fill
    from campusgate.settings import Settings
    from database import Database

    settings = Settings()
    key, now = settings.key_if_set("credential_key"), datetime.now(UTC)
    database = Database(settings.resolved_direct_url, credential_key=key)
    try:
        if only_try:
            done = rehearse(
                database,
                file,
                settings.resolved_record_dir,
                now,
                credential_key=key,
                scratch=settings.data_dir,
                without_manifest=without_manifest,
            )
        else:
            copy = TrailCopy(settings.resolved_record_dir)
            done = fill(database, file, copy, now, without_manifest=without_manifest)
        _print_backup(done, as_json=as_json)
    finally:
        database.close()


def _print_backup(done: "Backup", *, as_json: bool) -> None:
    if as_json:
        print_json(asdict(done))
    else:
        state = "intact" if done.intact else "BROKEN: run campusgate audit verify"
        typer.echo(f"{done.file}: {done.database}, {done.size:,} bytes, SHA-256 {done.sha256}")
        typer.echo(f"audit trail and journal {state}; {done.trail_lines} lines, head {done.trail_head}")
        for line in _restored(done):
            typer.echo(line)
    if not done.intact:
        raise typer.Exit(1)


def _restored(done: "Backup") -> list[str]:
    if done.replayed is None:
        return []
    if not done.copy_fits:
        return [
            "the copy of the audit trail does not go on where this backup ends, so what was withdrawn, revoked or "
            "erased since may be back: see CAMPUSGATE_RECORD_DIR, and look through it before gates are told"
        ]
    was = f"the backup's trail ends with {done.restored_head}"
    said = ", ".join(f"{word} {number}" for word, number in done.replayed.items()) or "nothing"
    return [was, f"{done.missing} lines of the trail are younger than the backup; taken away again: {said}"]

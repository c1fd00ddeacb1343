"""`campusgate demo`: a small campus of real processes, and one scripted day at its gate."""

import logging
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from campusgate.commands import CommandError, print_json
from campusgate.settings import Settings

if TYPE_CHECKING:
    from campusgate.demo.campus import Campus


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)


def demo(
    once: Annotated[bool, typer.Option("--once", help="Play the day and stop; exit code 1 if it went wrong.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the day as one JSON document.")] = False,
) -> None:
    """Play one day at a gate with real processes over real sockets, then keep running with a live page."""
    from rich.console import Console

    from campusgate.demo.photographs import PhotographsMissingError
    from campusgate.demo.processes import ChildError
    from campusgate.demo.readers import PhotosNotTakenError
    from campusgate.demo.report import Report
    from campusgate.demo.run import go_on, play_day, staged
    from campusgate.logs import configure_logs
    from models.store import ModelError

    console = Console(stderr=as_json)
    # The day kills processes on purpose; that connections break then is no news.
    configure_logs(logging.ERROR)
    # Stopping a service and pressing Ctrl-C end it the same way: every process is stopped first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    report = Report()
    try:
        with (
            console.status("preparing") as status,
            staged(Settings(), status.update, with_queue=not once) as (
                stage,
                report,
            ),
        ):
            if not once:
                console.print(_addresses(stage.campus), soft_wrap=True)
            play_day(stage, report, status.update)
            status.stop()
            if as_json:
                print_json(report.document())
            else:
                report.print(console, stage.campus.names())
            if not once:
                console.print("People go on walking up to the gate; the board stays live. Stop with Ctrl-C.")
                console.print("Approve Sun Min's photo in the reviewer's queue: the gate then opens for that face.")
                go_on(stage)
    except (PhotographsMissingError, PhotosNotTakenError, ChildError, ModelError) as error:
        raise CommandError(str(error)) from error
    except KeyboardInterrupt:
        if not report.outcomes:
            sys.exit(130)
    if not report.ok:
        sys.exit(1)


def _addresses(campus: "Campus") -> str:
    readers = campus.readers
    pages = (
        ("The live board", campus.staff_number, campus.staff_password, ""),
        ("A reviewer's queue", readers.reviewer.number, readers.reviewer.password, ""),
        ("A student's photo", readers.holder.number, readers.holder.password, ""),
        ("A newcomer", readers.newcomer.number, readers.newcomer.password, "   (a first password)"),
    )
    lines = [f"The pages: [link]{campus.server_url}/console/[/link]   each person lands on their own"]
    lines += [
        f"  {what:<19} number [bold]{number:<9}[/] password [bold]{password}[/]{more}"
        for what, number, password, more in pages
    ]
    lines += [
        f"The API:   {campus.server_url}/api/v1/openapi.json",
        "Watch the day on the board; it takes about two minutes.",
    ]
    return "\n".join(lines)

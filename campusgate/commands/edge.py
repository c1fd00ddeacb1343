"""`campusgate edge`: one camera, from frame to signed command."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from campusgate.commands import CommandError
from campusgate.processes.garbage import pause_collection
from campusgate.processes.stopping import make_stop_event

if TYPE_CHECKING:
    from campusgate.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command `edge`."""
    app.command()(edge)


def edge(
    camera: Annotated[
        str | None,
        typer.Argument(
            help="A device (/dev/video0), a stream (rtsp://…), a video file, or a folder of pictures; without it"
            " CAMPUSGATE_CAMERA. An address with a password is taken from there only: ps shows arguments to everybody."
        ),
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="TOML file with this gate's vote, zone, limits, …: see docs/edge.md.")
    ] = None,
    liveness: Annotated[
        bool,
        typer.Option(help="Ask for a living face: by the networks and by cues that need none."),
    ] = True,
    once: Annotated[bool, typer.Option(help="End when a recording has ended.")] = False,
    metrics_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Serve Prometheus metrics on this local port.")
    ] = None,
) -> None:
    """Watch one gate: recognise who stands there, decide, and ask the controller to open."""
    from campusgate.settings import Settings

    with pause_collection():
        from campusgate.processes.edge import EdgeOptions, run_edge
        from campusgate.processes.logs import configure_logs
        from campusgate.settings.edge_policy_file import read_policy
        from edge.policy import EdgePolicy

    settings = Settings()
    configure_logs()
    stop = make_stop_event()
    tuned = read_policy(policy) if policy is not None else EdgePolicy()
    options = EdgeOptions(_address(camera, settings), tuned, liveness=liveness, once=once, metrics_port=metrics_port)
    run_edge(settings, options, stop)


def _address(argument: str | None, settings: "Settings") -> str:
    from edge.camera import has_credentials, without_credentials

    if argument is None:
        address: str = settings.require("camera")
        return address
    if has_credentials(argument):
        raise CommandError(
            f"the address of the camera {without_credentials(argument)} holds a password, and ps shows arguments to"
            " everybody on this machine; set CAMPUSGATE_CAMERA instead, in a file that only the edge reads"
        )
    return argument

"""`campusgate broker`: an MQTT broker in one process, for the demonstration, for tests, for a campus of one machine."""

from pathlib import Path
from typing import Annotated

import typer

from campusgate.commands import CommandError
from campusgate.processes.stopping import make_stop_event

_TURN_WITHIN_S = 20.0


def register(app: typer.Typer) -> None:
    """Add the command `broker`."""
    app.command()(broker)


def broker(
    host: Annotated[str | None, typer.Option(help="Listen here; by default CAMPUSGATE_MQTT__HOST.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="0: any free port; by default CAMPUSGATE_MQTT__PORT.")
    ] = None,
    users: Annotated[
        Path | None, typer.Option(help="JSON file of users with passwords and topics; without it only this machine.")
    ] = None,
    cert: Annotated[Path | None, typer.Option(help="The broker's certificate (PEM), for TLS.")] = None,
    key: Annotated[Path | None, typer.Option(help="The certificate's private key (PEM).")] = None,
) -> None:
    """Run the embedded broker until it is stopped. A campus of more than one machine runs Mosquitto instead."""
    from bus import read_users
    from bus.embedded import EmbeddedBroker, ServerTls
    from campusgate.processes.logs import configure_logs
    from campusgate.processes.watchdog import Watchdog
    from campusgate.settings import Settings

    settings = Settings()
    configure_logs()
    if (cert is None) != (key is None):
        raise CommandError("--cert and --key go together: give both or neither")
    tls = ServerTls(cert, key) if cert is not None and key is not None else None
    stop = make_stop_event()
    running = EmbeddedBroker(
        host or settings.mqtt.host,
        settings.mqtt.port if port is None else port,
        access=read_users(users) if users is not None else None,
        tls=tls,
    )
    watchdog = Watchdog(settings.heartbeat_file)
    running.on_turn = watchdog.watch("event loop", _TURN_WITHIN_S)
    running.start()
    typer.echo(f"listening on {running.host}:{running.port}{' with TLS' if tls else ''}")
    with watchdog:
        stop.wait()
    running.stop()

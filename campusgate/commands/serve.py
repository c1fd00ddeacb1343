"""`campusgate serve`: the server."""

import typer

from campusgate.commands import CommandError
from campusgate.processes.stopping import until_stopped
from campusgate.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve() -> None:
    """Run the server: accounts, enrolment, directories, events and the pages."""
    from bus import CertificateError
    from campusgate.processes.logs import configure_logs
    from campusgate.processes.server.run import run_server
    from enrollment.quality import LimitsError
    from messages import KeyFileError, NonceStoreError
    from models.store import ModelError

    settings = Settings()
    configure_logs()
    try:
        run_server(settings, until_stopped())
    except (CertificateError, KeyFileError, LimitsError, ModelError, NonceStoreError) as error:
        raise CommandError(str(error)) from error

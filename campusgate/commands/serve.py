"""`campusgate serve`: the server."""

import typer

from campusgate.commands import CommandError
from campusgate.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve() -> None:
    """Run the server: accounts, enrolment, directories, events and the pages."""
    import uvicorn

    from bus import CertificateError
    from campusgate.processes.logs import configure_logs
    from campusgate.processes.private_files import keep_private
    from campusgate.processes.server import assemble, make_app
    from campusgate.wiring.database import begun
    from campusgate.wiring.photo_checker import further_engines, load_checker
    from enrollment.quality import LimitsError
    from messages import KeyFileError, NonceStoreError
    from models.store import ModelError
    from web.connections import bounded

    settings = Settings()
    configure_logs()
    try:
        engine, checker = load_checker(settings)
        further = further_engines(settings)
        keep_private(settings.data_dir)
        with begun(settings) as database:
            server = assemble(settings, engine, checker, further, database=database)
    except (CertificateError, KeyFileError, LimitsError, ModelError, NonceStoreError) as error:
        raise CommandError(str(error)) from error
    uvicorn.run(
        make_app(server),
        host=settings.server_host,
        port=settings.server_port,
        http=bounded(most=settings.web.connections_per_address, unbounded=settings.web.unbounded_addresses),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        # The app does it, by the setting; uvicorn would believe whatever comes from this machine.
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )

"""The demonstration's server: the campus's own, with a bank beside it that moves no money.

`python -m campusgate.demo.server` runs it with the settings of the environment.
"""

from campusgate.processes.garbage import pause_collection
from campusgate.processes.stopping import make_stop_event
from campusgate.settings import Settings


def main() -> None:
    """Serve until stopped."""
    with pause_collection():
        from campusgate.demo.bank import TrialBank
        from campusgate.processes.logs import configure_logs
        from campusgate.processes.server.run import run_server

    settings = Settings()
    configure_logs()
    bank = TrialBank(settings.time_zone)
    run_server(settings, make_stop_event(), channels=bank.channels, routers=[bank.router()])


if __name__ == "__main__":
    main()

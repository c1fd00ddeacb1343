"""What is left to do after a set-up, as commands to paste."""

import shlex

from campusgate.setup import server
from campusgate.setup.files import ACCOUNT
from campusgate.setup.places import Places


def command_at(places: Places, env_file: str, *arguments: str) -> str:
    """Return the command line that runs `campusgate` with a file of settings, as the processes' account."""
    words = [str(places.program), "--env-file", str(places.at(env_file)), *arguments]
    if places.is_machine:
        words = ["runuser", "-u", ACCOUNT, "--", *words]
    return shlex.join(words)


def after_server(places: Places) -> list[tuple[str, str]]:
    """Return each step and its command, in order."""

    def campusgate(*arguments: str) -> str:
        return command_at(places, server.ENVIRONMENT, *arguments)

    if places.is_machine:
        broker, serve = "systemctl restart mosquitto", "systemctl enable --now campusgate-server"
    else:
        broker = f"mosquitto -d -c {shlex.quote(str(places.at('/etc/mosquitto/mosquitto.conf')))}"
        serve = campusgate("serve")
    return [
        ("Start the broker", broker),
        ("Install the face models", campusgate("models", "install")),
        ("Start the server", serve),
        ("See whether all of it works", campusgate("doctor")),
        ("Add a gate, and get the code for its computer", campusgate("setup", "gate", "north")),
    ]

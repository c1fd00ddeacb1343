"""Debian's Mosquitto with the configuration that `deploy/mosquitto/` ships, in a folder of its own."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from messages.permissions import mosquitto_acl
from tests.certificates import Authority
from tests.mosquitto import AS_ROOT, find_mosquitto, start_mosquitto, write_passwords
from tests.waiting import PATIENCE_S

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
DEBIANS_OWN = """\
pid_file /run/mosquitto/mosquitto.pid

persistence true
persistence_location /var/lib/mosquitto/

log_dest file /var/log/mosquitto/mosquitto.log

include_dir /etc/mosquitto/conf.d
"""
"""What /etc/mosquitto/mosquitto.conf of Debian 12 says; comments left out."""


@contextmanager
def mosquitto_as_shipped(
    folder: Path, port: int, authority: Authority, users: Mapping[str, str], main: str = DEBIANS_OWN
) -> Iterator[Path]:
    """Run it with TLS for gate `north` of site `main` and these users; yields the log's file."""
    find_mosquitto()
    for name in ("etc/conf.d", "etc/certs", "state"):
        (folder / name).mkdir(parents=True)
    log = folder / "mosquitto.log"
    shutil.copyfile(authority.server.cert_file, folder / "etc/certs/broker.pem")
    shutil.copyfile(authority.server.key_file, folder / "etc/certs/broker.key")
    write_passwords(folder / "etc/campusgate.passwords", users)
    (folder / "etc/campusgate.acl").write_text(mosquitto_acl("main", ["north"]))

    def moved(text: str) -> str:
        places = {
            "/etc/mosquitto/": f"{folder}/etc/",
            "/mosquitto/config/": f"{folder}/etc/",
            "/var/lib/mosquitto/": f"{folder}/state/",
            "/var/log/mosquitto/": f"{folder}/",
            "/run/mosquitto/": f"{folder}/",
            "log_dest stdout": f"log_dest file {log}",
            "listener 8883": f"listener {port} 127.0.0.1",
        }
        for there, here in places.items():
            text = text.replace(there, here)
        return text

    shipped = (DEPLOY / "mosquitto" / "mosquitto.conf").read_text(encoding="utf-8")
    (folder / "etc/conf.d/campusgate.conf").write_text(moved(shipped))
    (folder / "etc/mosquitto.conf").write_text(moved(main) + AS_ROOT)
    process = start_mosquitto(folder / "etc/mosquitto.conf", port)
    try:
        yield log
    finally:
        process.terminate()
        process.wait(PATIENCE_S)

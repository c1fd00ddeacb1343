"""HAProxy of `deploy/ha/haproxy-servers.cfg` on this machine, before servers of this machine."""

import contextlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.fleet_campus import wait_until
from campusgate.demo.campus import free_port
from campusgate.setup.certificates import issue_certificate, make_authority

_SHIPPED = Path(__file__).parent.parent / "deploy" / "ha" / "haproxy-servers.cfg"


class BalancerMissingError(Exception):
    """HAProxy is not installed."""


class Balancer:
    """Runs while it is entered, with a certificate that `trust` believes."""

    def __init__(self, folder: Path, ports: Sequence[int]) -> None:
        """Write its files into `folder`; the servers listen on these two `ports`.

        Raises:
            BalancerMissingError: it is not on the path.
        """
        program = shutil.which("haproxy", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
        if program is None:
            raise BalancerMissingError("haproxy is not installed: Debian's package haproxy")
        authority = make_authority("benchmark")
        issued = issue_certificate(authority, ["127.0.0.1"])
        certificate, self._file, self._log = (folder / f"haproxy.{one}" for one in ("pem", "cfg", "log"))
        certificate.write_bytes(issued.certificate + issued.key)
        self._port = free_port()
        self._file.write_text(place(_SHIPPED.read_text("utf-8"), self._port, certificate, ports), encoding="utf-8")
        self.trust = ssl.create_default_context(cadata=authority.certificate.decode())
        self._command = [program, "-db", "-f", str(self._file)]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"https://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it, and return when it listens."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        wait_until(self._listens, f"HAProxy listens (see {self._log})", 30)

    def kill(self) -> None:
        """End it at once."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal.

        Raises:
            RuntimeError: it does not run.
        """
        if self._process is None:
            raise RuntimeError("HAProxy does not run")
        self._process.send_signal(number)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1):
            return True
        return False


def place(shipped: str, port: int, certificate: Path, servers: Sequence[int]) -> str:
    """Return the shipped configuration for one machine: its addresses, ports and certificate are others."""
    text = shipped.replace("bind :443", f"bind 127.0.0.1:{port}").replace("/etc/haproxy/campus.pem", str(certificate))
    ports = iter(servers)
    return re.sub(r"10\.0\.0\.1[12]:8080", lambda _: f"127.0.0.1:{next(ports)}", text)

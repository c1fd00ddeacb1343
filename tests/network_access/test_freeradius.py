"""FreeRADIUS with the configuration of `deploy/` before a real server, asked as devices ask it."""

import contextlib
import io
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from pyrad import packet
from pyrad.client import Client, Timeout
from pyrad.dictionary import Dictionary

from accounts import devices, people
from accounts.ledger import LedgerWriter
from accounts.vocabulary import PersonState
from network_access.api.router import router
from network_access.disconnect_client import DisconnectClient, Named, Nas
from network_access.vocabulary import DisconnectOutcome, NetworkSessionState
from tests.databases import copied
from tests.network_access.lab import PASSWORD, PRICE, Clock, Lab, build
from tests.ports import free_port
from tests.waiting import PATIENCE_S, until
from web import problems
from web.routes import add_routes

DEPLOYED = Path(__file__).parents[2] / "deploy" / "freeradius"
FREERADIUS, RADCLIENT = shutil.which("freeradius", path="/usr/sbin"), shutil.which("radclient")
pytestmark = pytest.mark.skipif(
    None in (FREERADIUS, RADCLIENT) or not Path("/usr/lib/freeradius/rlm_rest.so").exists(),
    reason="needs FreeRADIUS: apt-get install --no-install-recommends freeradius freeradius-rest freeradius-utils",
)

SECRET = "of-this-test-alone"
WELCOME = "80 % off: %{User-Password} ${x} {a} 欢迎"
DICTIONARY = """
ATTRIBUTE User-Name 1 string
ATTRIBUTE User-Password 2 string encrypt=1
ATTRIBUTE CHAP-Password 3 octets
ATTRIBUTE NAS-Port 5 integer
ATTRIBUTE Reply-Message 18 string
ATTRIBUTE Class 25 octets
ATTRIBUTE Session-Timeout 27 integer
ATTRIBUTE Calling-Station-Id 31 string
ATTRIBUTE NAS-Identifier 32 string
ATTRIBUTE Acct-Status-Type 40 integer
ATTRIBUTE Acct-Session-Id 44 string
ATTRIBUTE Acct-Session-Time 46 integer
ATTRIBUTE Acct-Interim-Interval 85 integer
ATTRIBUTE Message-Authenticator 80 octets
VALUE Acct-Status-Type Start 1
VALUE Acct-Status-Type Stop 2
VALUE Acct-Status-Type Interim-Update 3
"""
CLIENTS = """
client internet {{
	ipaddr = 127.0.0.2
	secret = {secret}
	require_message_authenticator = yes
	virtual_server = internet
}}
client computer_room {{
	ipaddr = 127.0.0.1
	secret = {secret}
	require_message_authenticator = yes
	virtual_server = computer_room
}}
# A device that takes Disconnect-Requests.
listen {{
	type = coa
	ipaddr = 127.0.0.1
	port = {coa}
	virtual_server = nas
}}
server nas {{
	recv-coa {{
		ok
	}}
}}
"""


class Web:
    """The server's HTTP, which comes and goes at one address."""

    def __init__(self, app: FastAPI) -> None:
        self._app, self.port = app, free_port()
        self._server: uvicorn.Server | None = None
        self._thread = threading.Thread()

    def start(self) -> None:
        self._server = uvicorn.Server(uvicorn.Config(self._app, port=self.port, log_level="error"))
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        until(lambda: self._server is not None and self._server.started)

    def stop(self) -> None:
        if self._server is not None:
            self._server.should_exit = True
            self._thread.join()


@dataclass
class Radius:
    """FreeRADIUS, and the server behind it."""

    lab: Lab
    web: Web
    auth: int
    acct: int
    coa: int

    def client(self, address: str = "127.0.0.1", patience_s: float = PATIENCE_S) -> Client:
        client = Client(
            "127.0.0.1",
            authport=self.auth,
            acctport=self.acct,
            secret=SECRET.encode(),
            dict=Dictionary(io.StringIO(DICTIONARY)),
            retries=1,
            timeout=patience_s,
        )
        client.bind((address, 0))
        return client

    def log_in(self, number: str, password: str = PASSWORD, patience_s: float = PATIENCE_S, **options: Any) -> Any:
        client = self.client(options.pop("address", "127.0.0.1"), patience_s)
        request = client.CreateAuthPacket(
            code=packet.AccessRequest, User_Name=number, NAS_Identifier="机房-3", NAS_Port=3, **options
        )
        if "CHAP_Password" not in options:
            request["User-Password"] = request.PwCrypt(password)
        try:
            return client.SendPacket(request)
        finally:
            client._CloseSocket()

    def is_silent(self, number: str, **options: Any) -> bool:
        try:
            self.log_in(number, patience_s=0.7, **options)
        except Timeout:
            return True
        return False

    def tell(self, number: str, kind: str, login_class: bytes, seconds: int = 0) -> int:
        client = self.client()
        request = client.CreateAcctPacket(
            User_Name=number,
            NAS_Identifier="机房-3",
            NAS_Port=3,
            Acct_Session_Id="5A",
            Acct_Status_Type=kind,
            Acct_Session_Time=seconds,
            Class=login_class,
        )
        request.add_message_authenticator()
        try:
            return int(client.SendPacket(request).code)
        finally:
            client._CloseSocket()


def free_udp_port() -> int:
    while True:
        port = free_port()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@pytest.fixture(scope="module")
def radius(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Radius]:
    folder = tmp_path_factory.mktemp("radius")
    database, clock = copied(sqlite_template, folder), Clock(datetime.now(UTC))
    app = FastAPI()
    add_routes(app, router)
    problems.install(app)
    with contextlib.closing(database), LedgerWriter(database, clock=clock) as writer:
        lab = build(database, clock, writer)
        lab.offer(fen_per_hour=PRICE, welcome=WELCOME)
        app.state.accounts, app.state.network_access = lab.services.money.accounts, lab.services
        web = Web(app)
        web.start()
        try:
            found = Radius(lab, web, free_udp_port(), free_udp_port(), free_udp_port())
            with running(folder, found):
                yield found
        finally:
            web.stop()


@contextlib.contextmanager
def running(folder: Path, found: Radius) -> Iterator[None]:
    shutil.copy(DEPLOYED / "radiusd.conf", folder)
    (folder / "clients.conf").write_text(CLIENTS.format(secret=SECRET, coa=found.coa))
    given = {
        "CAMPUSGATE_SERVER_URL": f"http://127.0.0.1:{found.web.port}",
        "CAMPUSGATE_RADIUS_CA_FILE": "/etc/ssl/certs/ca-certificates.crt",
        "CAMPUSGATE_DEVICE_TOKEN": found.lab.token,
        "CAMPUSGATE_RADIUS_ADDRESS": "127.0.0.1",
        "CAMPUSGATE_RADIUS_AUTH_PORT": str(found.auth),
        "CAMPUSGATE_RADIUS_ACCT_PORT": str(found.acct),
        "CAMPUSGATE_RADIUS_LOG_DIR": str(folder),
        "CAMPUSGATE_RADIUS_RUN_DIR": str(folder),
    }
    log = folder / "said"
    with log.open("wb") as said:
        process = subprocess.Popen(
            [str(FREERADIUS), "-f", "-l", "stdout", "-d", str(folder)], env=os.environ | given, stdout=said, stderr=said
        )
        try:
            until(
                lambda: b"Ready to process requests" in log.read_bytes() or process.poll() is not None,
                "FreeRADIUS never began",
            )
            assert process.poll() is None, log.read_text()
            yield
        finally:
            process.terminate()
            process.wait()
    assert PASSWORD.encode() not in log.read_bytes()


def test_a_session_from_the_login_to_the_money(radius: Radius) -> None:
    lab = radius.lab
    person = lab.person(1_000)
    number = lab.numbers[person]
    accepted = radius.log_in(number)
    assert accepted.code == packet.AccessAccept
    assert accepted["Reply-Message"] == [WELCOME], "taken literally"
    assert (accepted["Session-Timeout"], accepted["Acct-Interim-Interval"]) == ([10_004], [300])
    (login_class,) = accepted["Class"]
    lab.forward(minutes=10)
    for kind, seconds in (("Start", 0), ("Interim-Update", 300), ("Stop", 600), ("Stop", 600), ("Start", 0)):
        assert radius.tell(number, kind, login_class, seconds) == packet.AccountingResponse
    row = lab.session(person)
    assert (row.nas, row.state, row.session_s, row.billed) == ("机房-3", NetworkSessionState.ENDED, 600, 60)
    assert (lab.worth(person), lab.free(person)) == (940, 940)


def test_whoever_is_refused_is_told_why(radius: Radius) -> None:
    lab = radius.lab
    person = lab.person(1_000)
    said = radius.log_in(lab.numbers[person], "wrong")
    assert said.code == packet.AccessReject
    assert said["Reply-Message"] == ["学工号或密码不正确 / The number or the password is wrong"]
    with lab.database.begin() as session:
        row = people.get(session, person, lock=True)
        people.set_state(session, row, PersonState.SUSPENDED, by="test", now=lab.clock.now)
    said = radius.log_in(lab.numbers[person])
    assert (said.code, said["Reply-Message"][0][:10]) == (packet.AccessReject, "校园账户目前不能使用")
    said = radius.log_in(lab.numbers[person], CHAP_Password=bytes(17))
    assert (said.code, said["Reply-Message"][0][-4:]) == (packet.AccessReject, "only")
    for name in ("%{User-Password}", "`id`", "张三", "x" * 200, "a'b\"c\\"):
        assert radius.log_in(name).code == packet.AccessReject


def test_what_says_nothing_of_anybody_is_silence(radius: Radius) -> None:
    number = radius.lab.numbers[radius.lab.person(1_000)]
    assert radius.is_silent(number, message_authenticator=False), "CVE-2024-3596"
    assert radius.is_silent(number, address="127.0.0.2"), "the internet is not offered here"
    assert radius.log_in(number).code == packet.AccessAccept
    radius.web.stop()
    try:
        assert radius.is_silent(number)
    finally:
        radius.web.start()
    assert radius.log_in(number).code == packet.AccessAccept, "at once when it is back"
    with radius.lab.database.begin() as session:
        device = devices.get(session, radius.lab.device.device_id)
        kept = device.token_digest
        devices.rotate(session, device, by="test", now=radius.lab.clock.now)
    assert radius.is_silent(number), "with a token that is not good"
    with radius.lab.database.begin() as session:
        devices.get(session, radius.lab.device.device_id).token_digest = kept
    assert radius.log_in(number).code == packet.AccessAccept


def test_as_an_operator_tries_it(radius: Radius) -> None:
    number = radius.lab.numbers[radius.lab.person(1_000)]
    asked = f"User-Name={number}\nUser-Password={PASSWORD}\nNAS-Identifier=test\nMessage-Authenticator=0x00\n"
    tried = subprocess.run(
        [str(RADCLIENT), "-x", "-t", str(int(PATIENCE_S)), "-r", "1", f"127.0.0.1:{radius.auth}", "auth", SECRET],
        input=asked, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "Access-Accept" in tried.stdout


def test_another_implementation_takes_disconnect_requests(radius: Radius) -> None:
    client = DisconnectClient([Nas("机房-3", "127.0.0.1", SECRET.encode(), radius.coa)], answers_within_s=PATIENCE_S)
    named = Named("机房-3", "10.20.0.1", "5A", "202600001", "02-00-00-00-00-01")
    assert client.disconnect(named) is DisconnectOutcome.DONE

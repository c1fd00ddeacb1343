"""The gateway for library systems, in front of a real server, asked through an independent codec."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr, ValidationError
from pysip2 import (
    ACSStatusResponse,
    EndPatronSessionRequest,
    LoginRequest,
    PatronInformationRequest,
    PatronStatusRequest,
    SCStatusRequest,
    decode_message,
    encode_message,
)

from accounts import cards, devices, passwords, people
from accounts.api.router import router
from accounts.cards import loss
from accounts.people import Particulars
from accounts.services import AccountsServices
from accounts.vocabulary import DeviceRole, PasswordPurpose, PersonKind, PersonState
from campusgate.processes.library import run_library
from campusgate.settings import Settings, SettingsError
from campusgate.settings.library import LibrarySettings
from database import Database
from tests.accounts.conftest import CHEAP_HASHER
from tests.certificates import make_authority
from tests.databases import copied
from tests.notify_socket import NotifySocket
from tests.ports import free_port
from tests.waiting import PATIENCE_S
from web import problems
from web.routes import add_routes

AT = "20261127    100000"
UID, LOST_UID = "04A1B2C3D4E580", "04A1B2C3D4E581"
PASSWORD = "314159"


@dataclass
class Library:
    """The server behind the gateway, and the tokens of two devices there."""

    url: str
    desk: str
    terminal: str
    port: int = 0
    people: dict[str, UUID] = field(default_factory=dict)

    def settings(self, **library: Any) -> Settings:
        options = LibrarySettings(**({"port": 0} | library))
        return Settings(server_url=self.url, library=options, device_token=None)


@pytest.fixture(scope="module")
def server(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    database = copied(sqlite_template, tmp_path_factory.mktemp("library"))
    app = FastAPI()
    add_routes(app, router)
    problems.install(app)
    app.state.accounts = AccountsServices(database=database, secret=bytes(range(32)), hasher=CHEAP_HASHER)
    listener = socket.create_server(("127.0.0.1", 0))
    web = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=web.run, kwargs={"sockets": [listener]})
    thread.start()
    while not web.started:
        time.sleep(0.01)
    try:
        library = populate(database, f"http://127.0.0.1:{listener.getsockname()[1]}")
        with running(library.settings(patrons="uid"), library):
            yield library
    finally:
        web.should_exit = True
        thread.join()
        listener.close()
        database.close()


def populate(database: Database, url: str) -> Library:
    """张三 with a card, 李四 whose card is lost, 王五 who is suspended, and 赵六 with a first password."""
    now = datetime.now(UTC)
    found: dict[str, UUID] = {}
    with database.begin() as session:
        tokens = [
            devices.add(session, name=role.value, role=role, by="test", now=now)[1]
            for role in (DeviceRole.DESK, DeviceRole.TERMINAL)
        ]
        for number, name, uid in (
            ("20260001", "张三", UID),
            ("20260002", "李四", LOST_UID),
            ("20260003", "王五", "04A1B2C3D4E582"),
            ("20260004", "赵六", "04A1B2C3D4E583"),
        ):
            particulars = Particulars(
                number=number, name=name, kind=PersonKind.STUDENT, valid_from=now - timedelta(days=1)
            )
            person = people.create(session, particulars, by="test", now=now)
            cards.issue(session, person, uid, key_number=None, by="test", now=now)
            hashes = {PasswordPurpose.QUERY: CHEAP_HASHER.hash(PASSWORD)}
            passwords.store(session, person.id, hashes, must_change=name == "赵六", by="test", now=now)
            found[name] = person.id
        loss.report(session, people.get(session, found["李四"], lock=True), through="app", by="test", now=now)
        suspended = people.get(session, found["王五"], lock=True)
        people.set_state(session, suspended, PersonState.SUSPENDED, by="test", now=now)
    return Library(url, *tokens, people=found)


@contextlib.contextmanager
def running(settings: Settings, library: Library | None = None) -> Iterator[int]:
    """The gateway as its process runs it; its port."""
    stop, listens, ports = threading.Event(), threading.Event(), []

    def ready(_host: str, port: int) -> None:
        ports.append(port)
        listens.set()

    thread = threading.Thread(target=run_library, args=(settings, stop, ready))
    thread.start()
    try:
        assert listens.wait(PATIENCE_S)
        if library is not None:
            library.port = ports[0]
        yield ports[0]
    finally:
        stop.set()
        thread.join()


class SelfCheck:
    """A library system on one connection."""

    def __init__(self, connection: socket.socket, encoding: str = "utf-8", end: bytes = b"\r") -> None:
        self._connection, self._encoding, self._end = connection, encoding, end
        self._file = connection.makefile("rb")
        self.sequence = 0

    def close(self) -> None:
        self._file.close()

    def send(self, content: bytes) -> None:
        self._connection.sendall(content)

    def read(self) -> bytes:
        """The next frame with its carriage return; nothing: the connection was ended."""
        frame = b""
        while not frame.endswith(b"\r"):
            part = self._file.read(1)
            if not part:
                return b""
            frame += part
        return frame

    def ask(self, question: Any) -> Any:
        self.sequence = (self.sequence + 1) % 10
        frame = encode_message(question, sequence_number=self.sequence, checksum=True, encoding=self._encoding)
        self.send(frame[:-1] + self._end)
        answer = decode_message(self.read(), encoding=self._encoding)
        assert answer.sequence_number == self.sequence
        return answer.message

    def login(self, token: str) -> bool:
        asked = LoginRequest(uid_algorithm="0", pwd_algorithm="0", login_user_id="check1", login_password=token)
        return self.ask(asked).ok == "1"

    def patron(self, who: str, password: str | None = None, language: str = "001") -> Any:
        return self.ask(
            PatronInformationRequest(
                language=language,
                transaction_date=AT,
                summary=" " * 10,
                institution_id="CAMPUS",
                patron_identifier=who,
                patron_password=password,
            )
        )


@contextlib.contextmanager
def connected(port: int, **options: Any) -> Iterator[SelfCheck]:
    with (
        socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection,
        contextlib.closing(SelfCheck(connection, **options)) as check,
    ):
        yield check


@pytest.fixture
def check(server: Library) -> Iterator[SelfCheck]:
    with connected(server.port) as check:
        assert check.login(server.desk)
        yield check


def test_a_card_says_who_somebody_is(check: SelfCheck) -> None:
    found = check.patron(UID)
    assert (found.personal_name, found.valid_patron, found.valid_patron_password) == ("张三", "Y", None)
    assert (found.patron_status, found.screen_message, found.patron_identifier) == (" " * 14, (), UID)
    assert check.patron(UID, PASSWORD).valid_patron_password == "Y"
    wrong = check.patron(UID, "271828")
    assert (wrong.valid_patron_password, wrong.screen_message) == (
        "N",
        ("Nobody is known by this, or the password is wrong",),
    )
    asked = PatronStatusRequest(
        language="000",
        transaction_date=AT,
        institution_id="CAMPUS",
        patron_identifier=UID,
        terminal_password="",
        patron_password="",
    )
    assert check.ask(asked).personal_name == "张三"


@pytest.mark.parametrize(
    ("uid", "status", "name", "says"),
    [
        (LOST_UID, "YYYYY", "李四", "此卡已挂失"),
        ("04A1B2C3D4E582", "YYYY ", "王五", "校园账户目前不能使用，请联系卡务中心"),
        ("04FFFFFFFFFFFF", "YYYY ", "", "没有这个人或这张卡，或密码不正确"),
        ("no card", "YYYY ", "", "没有这个人或这张卡，或密码不正确"),
    ],
)
def test_who_may_not_borrow_is_told_why(check: SelfCheck, uid: str, status: str, name: str, says: str) -> None:
    found = check.patron(uid, language="019")
    assert (found.valid_patron, found.personal_name, found.screen_message) == ("N", name, (says,))
    assert found.patron_status == f"{status}{' ' * 9}"


def test_a_number_needs_the_query_password(server: Library) -> None:
    with running(server.settings(patrons="number")) as port, connected(port) as check:
        assert check.login(server.desk)
        found = check.patron("20260001", PASSWORD)
        assert (found.personal_name, found.valid_patron, found.valid_patron_password) == ("张三", "Y", "Y")
        nobody = check.patron("20260001")
        assert (nobody.personal_name, nobody.valid_patron, nobody.valid_patron_password) == ("", "N", None)
        assert nobody.screen_message == ("Enter the query password",)
        for who, password in (("20260001", "271828"), ("20269999", PASSWORD), ("20260003", PASSWORD)):
            assert check.patron(who, password).valid_patron == "N"
        first = check.patron("20260004", PASSWORD)
        assert (first.personal_name, first.valid_patron, first.valid_patron_password) == ("", "N", "N")
        assert first.screen_message == ("Change the first query password on your phone",)


def test_it_tells_its_supervisor_that_it_is_ready_and_that_it_ends(
    server: Library, supervisor: NotifySocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", supervisor.address)
    with running(server.settings(patrons="number")):
        supervisor.wait_for("READY=1", "WATCHDOG=1")
    supervisor.wait_for("STOPPING=1")


def test_a_guessed_password_locks(server: Library) -> None:
    with running(server.settings(patrons="number")) as port, connected(port) as check:
        assert check.login(server.desk)
        said = (check.patron("20260002", f"{number:06}").screen_message for number in range(12))
        assert ("Too many wrong tries: wait, then try again",) in said
        assert check.patron("20260002", PASSWORD).valid_patron_password == "N"


def test_only_desks_ask(server: Library) -> None:
    for token in ("wrong", server.terminal, f"cgd_{'0' * 32}_{'A' * 43}", "é\nx"):
        with connected(server.port) as stranger:
            asked = f"9300CNx|CO{token}|".replace("\n", "").encode()
            stranger.send(asked + b"\r")
            assert stranger.read() == b"940\r"
            stranger.send(b"63001" + AT.encode() + b" " * 10 + f"AOx|AA{UID}|".encode() + b"\r")
            assert stranger.read() == b"", "the connection is ended, and nothing said"


def test_a_gateway_may_have_a_desk_of_its_own(server: Library) -> None:
    settings = server.settings().model_copy(update={"device_token": SecretStr(server.desk)})
    with running(settings) as port, connected(port) as check:
        assert check.patron(UID).personal_name == "张三"


@pytest.mark.parametrize("end", [b"\r", b"\r\n", b"\n"])
def test_frames_end_in_every_way_that_is_used(server: Library, end: bytes) -> None:
    with connected(server.port, end=end) as check:
        assert check.login(server.desk)
        assert [check.patron(UID).personal_name for _ in range(3)] == ["张三"] * 3
        ended = check.ask(EndPatronSessionRequest(transaction_date=AT, institution_id="", patron_identifier=UID))
        assert ended.end_session == "Y"


def test_texts_are_in_the_encoding_of_the_library(server: Library) -> None:
    with running(server.settings(encoding="gb18030")) as port, connected(port, encoding="gb18030") as check:
        assert check.login(server.desk)
        assert check.patron(UID).personal_name == "张三"


def test_a_damaged_frame_is_asked_for_again_and_an_answer_repeated(check: SelfCheck) -> None:
    check.send(b"9900802.00AY1AZ0000\r")
    assert check.read() == b"96AZFEF6\r"
    check.send(b"9900802.00AY1AZFCA0\r")
    said = check.read()
    assert decode_message(said).message.online_status == "Y"
    check.send(b"97AZFEF5\r")
    assert check.read() == said
    # Several at once, and what is no frame, in one packet.
    check.send(b"11what\r\r\n\x00\r9900802.00\r9900802.00\r")
    assert [check.read()[:3] for _ in range(2)] == [b"98Y"] * 2


def test_while_the_server_is_away_nothing_is_said_of_anybody(server: Library) -> None:
    away = Library(f"http://127.0.0.1:{free_port()}", server.desk, "")
    settings = away.settings().model_copy(update={"device_token": SecretStr(server.desk)})
    with running(settings) as port, connected(port) as check:
        check.send(b"63001" + AT.encode() + b" " * 10 + f"AOx|AA{UID}|".encode() + b"\r")
        status = check.ask(SCStatusRequest(status_code="0", max_print_width="080", protocol_version="2.00"))
        assert isinstance(status, ACSStatusResponse)
        assert status.online_status == "N", "the first answer that came"


def test_what_never_ends_is_ended(server: Library) -> None:
    with connected(server.port) as flood:
        flood.send(b"9" * 10_000)
        with contextlib.suppress(ConnectionError):
            assert flood.read() == b""


def test_the_gateway_speaks_tls(server: Library, tmp_path: Path) -> None:
    authority = make_authority(tmp_path / "library", "library")
    settings = server.settings(cert_file=authority.server.cert_file, key_file=authority.server.key_file)
    context = ssl.create_default_context(cafile=authority.ca_file)
    with (
        running(settings) as port,
        socket.create_connection(("127.0.0.1", port), PATIENCE_S) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
        contextlib.closing(SelfCheck(secured)) as tls,
    ):
        assert tls.login(server.desk)
        assert tls.patron(UID).personal_name == "张三"


def test_settings_that_would_show_passwords_are_refused() -> None:
    with pytest.raises(ValidationError, match="in_clear"):
        LibrarySettings(host="10.1.0.5")
    assert LibrarySettings(host="10.1.0.5", in_clear=True).port == 6001
    with pytest.raises(ValidationError, match="go together"):
        LibrarySettings(cert_file="x.pem")


def test_an_address_that_is_taken_is_named(server: Library) -> None:
    with pytest.raises(SettingsError, match=f"127.0.0.1:{server.port}"):
        run_library(server.settings(port=server.port), threading.Event(), lambda _host, _port: None)

"""The reference and the access list say what the code does."""

import json
import queue
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import pytest

from bus import Backoff, BrokerAddress, Connection, covers, random_client_id
from messages import GateTopics, ShowerTopic, ShowerTopics, Topic, every_shower
from messages.permissions import Role, mosquitto_acl, rights, shower_rights
from messages.reference import ON_THE_WIRE, SHOWERS_ON_THE_WIRE, json_schemas, markdown
from tests.mosquitto import AS_ROOT, find_mosquitto, start_mosquitto, write_passwords
from tests.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]
SHOWER = UUID("01920000-0000-7000-8000-000000000001")
"""The device of the access list that we ship."""


def test_the_reference_is_current() -> None:
    page = (ROOT / "docs" / "messages.md").read_text(encoding="utf-8")
    assert page == markdown(), "run: campusgate messages reference > docs/messages.md"


def test_the_access_list_is_current() -> None:
    text = (ROOT / "deploy" / "mosquitto" / "campusgate.acl").read_text(encoding="utf-8")
    assert text == mosquitto_acl("main", ["north", "south"], [SHOWER])


def test_every_topic_has_its_payload_and_somebody_who_says_and_hears_it() -> None:
    assert set(ON_THE_WIRE) == set(Topic)
    for end in Topic:
        topic = GateTopics("main", "north").of(end)
        granted = [rights(role, "main", "north") for role in Role]
        assert any(topic in one.publish for one in granted), end
        assert any(topic in one.subscribe for one in granted), end


def test_every_topic_of_a_shower_is_said_and_heard_by_the_controller_or_the_server() -> None:
    assert set(SHOWERS_ON_THE_WIRE) == set(ShowerTopic)
    server, controller = rights(Role.SERVER, "main"), shower_rights("main", SHOWER)
    for end in ShowerTopic:
        topic, every = ShowerTopics("main", SHOWER).of(end), every_shower("main", end)
        assert (topic in controller.publish, every in server.subscribe) in {(True, True), (False, False)}, end
        assert (topic in controller.subscribe, every in server.publish) in {(True, True), (False, False)}, end
        assert (topic in controller.publish) != (topic in controller.subscribe), end


def test_a_shower_says_and_hears_nothing_of_another_shower_or_of_a_gate() -> None:
    own = ShowerTopics("main", SHOWER)
    granted = shower_rights("main", SHOWER)
    assert all(topic.startswith(own.of(ShowerTopic.REPORTS).removesuffix("reports")) for topic in granted.publish)
    assert all(topic.startswith(own.of(ShowerTopic.REPORTS).removesuffix("reports")) for topic in granted.subscribe)
    assert not any("+" in topic or "#" in topic for topic in (*granted.publish, *granted.subscribe))


def test_only_senders_of_commands_may_publish_them() -> None:
    command = GateTopics("main", "north").command
    assert command not in rights(Role.CONTROLLER, "main", "north").publish
    assert not any(covers(topic, command) for topic in rights(Role.EDGE, "main", "south").publish)


def test_schemas_are_json_and_name_every_field() -> None:
    schemas = json.loads(json.dumps(json_schemas()))
    assert {"boot_id", "nonce", "ttl_ms"} <= set(schemas["Command"]["required"])


@pytest.fixture
def shipped_broker(tmp_path: Path, unused_port: int) -> Iterator[int]:
    """Mosquitto with the configuration we ship, and the access list for two servers; users are their own passwords."""
    find_mosquitto()
    access = mosquitto_acl("main", ["north", "south"], [SHOWER], ["b"])
    users = [line.removeprefix("user ") for line in access.splitlines() if line.startswith("user ")]
    write_passwords(tmp_path / "campusgate.passwords", dict(zip(users, users, strict=True)))
    (tmp_path / "campusgate.acl").write_text(access)
    shipped = (ROOT / "deploy" / "mosquitto" / "mosquitto.conf").read_text(encoding="utf-8")
    ours = shipped.replace("listener 8883", f"listener {unused_port} 127.0.0.1")
    ours = ours.replace("/etc/mosquitto/campusgate", f"{tmp_path}/campusgate")
    # TLS has tests of its own; here it would only need certificates.
    ours = "\n".join(line for line in ours.splitlines() if not line.startswith(("certfile", "keyfile", "tls_version")))
    (tmp_path / "mosquitto.conf").write_text(f"{ours}\n{AS_ROOT}")
    process = start_mosquitto(tmp_path / "mosquitto.conf", unused_port)
    yield unused_port
    ended = process.poll()
    process.terminate()
    process.wait(PATIENCE_S)
    assert ended is None, (tmp_path / "printed").read_text()


@pytest.fixture
def user(shipped_broker: int) -> Iterator[Callable[..., Connection]]:
    """Connects a user of the shipped broker: `user("server", client_id="…")`."""
    made: list[Connection] = []

    def make(name: str, *, client_id: str | None = None) -> Connection:
        address = BrokerAddress(port=shipped_broker, username=name, password=name)
        connection = Connection(address, client_id or random_client_id(name), backoff=Backoff(0.05, 0.2, 0.2))
        made.append(connection)
        connection.start()
        connection.wait_connected(PATIENCE_S)
        return connection

    yield make
    for connection in made:
        connection.stop()


def test_mosquitto_takes_the_configuration_we_ship(user) -> None:
    controller, edge, orders = user("controller-north"), user("edge-south"), user("server-orders")
    heard: queue.Queue[bytes] = queue.Queue()
    controller.subscribe("campusgate/main/gates/north/command", lambda _topic, payload, _: heard.put(payload))
    edge.publish("campusgate/main/gates/north/command", b"from the edge of another gate", wait_s=PATIENCE_S)
    orders.publish("campusgate/main/gates/north/command", b"from the server", wait_s=PATIENCE_S)
    assert heard.get(timeout=PATIENCE_S) == b"from the server"


@pytest.mark.parametrize("stolen", ["display-south", "edge-south", "controller-south", "staff", "server"])
def test_nobody_takes_anothers_place_at_the_broker_we_ship(user, stolen: str) -> None:
    """A screen's password under the id of the server's orders: the staff's order still arrives."""
    controller, orders = user("controller-north"), user("server-orders")
    heard: queue.Queue[bytes] = queue.Queue()
    controller.subscribe("campusgate/main/gates/north/command", lambda _topic, payload, _: heard.put(payload))
    for victim in (orders.client_id, "server-orders", "main-server-orders", controller.client_id):
        thief = user(stolen, client_id=victim)
        orders.publish("campusgate/main/gates/north/command", victim.encode(), wait_s=PATIENCE_S)
        assert heard.get(timeout=PATIENCE_S) == victim.encode()
        assert thief.connected
        thief.stop()
    assert (orders.connections, controller.connections) == (1, 1)


def test_two_servers_stay_beside_each_other_at_the_broker_we_ship(user, shipped_broker: int) -> None:
    names = [("server", "server-orders"), ("server-b", "server-b-orders")]
    made = [(user(events), user(orders)) for events, orders in names]
    controller, heard = user("controller-north"), queue.Queue[bytes]()
    controller.subscribe(GateTopics("main", "north").command, lambda _topic, payload, _: heard.put(payload))
    for number, (_, orders) in enumerate(made):
        orders.publish(GateTopics("main", "north").command, b"%d" % number, wait_s=PATIENCE_S)
    assert [heard.get(timeout=PATIENCE_S) for _ in made] == [b"0", b"1"]
    assert [one.connections for pair in made for one in pair] == [1, 1, 1, 1]


def test_each_connection_of_the_server_may_do_its_own_work_only(user) -> None:
    events, orders, controller = user("server"), user("server-orders"), user("controller-north")
    topics = GateTopics("main", "north")
    heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
    for topic in (topics.command, topics.receipts):
        controller.subscribe(topic, lambda topic, payload, _: heard.put((topic, payload)))
    events.publish(topics.command, b"not its work", wait_s=PATIENCE_S)
    orders.publish(topics.receipts, b"not its work", wait_s=PATIENCE_S)
    orders.publish(topics.command, b"open", wait_s=PATIENCE_S)
    events.publish(topics.receipts, b"stored", wait_s=PATIENCE_S)
    got = sorted(heard.get(timeout=PATIENCE_S) for _ in range(2))
    assert got == [(topics.command, b"open"), (topics.receipts, b"stored")]


def test_a_shower_reaches_the_server_and_no_other_shower_at_the_broker_we_ship(user) -> None:
    server, shower, edge = user("server"), user(f"shower-{SHOWER}"), user("edge-north")
    own = ShowerTopics("main", SHOWER)
    heard: queue.Queue[tuple[str, bytes]] = queue.Queue()
    server.subscribe(every_shower("main", ShowerTopic.REPORTS), lambda topic, payload, _: heard.put((topic, payload)))
    shower.subscribe(own.of(ShowerTopic.ANSWERS), lambda topic, payload, _: heard.put((topic, payload)))
    shower.publish(ShowerTopics("main", UUID(int=7)).of(ShowerTopic.REPORTS), b"in another's name", wait_s=PATIENCE_S)
    edge.publish(own.of(ShowerTopic.REPORTS), b"in another's name", wait_s=PATIENCE_S)
    edge.publish(own.of(ShowerTopic.ANSWERS), b"not the server's", wait_s=PATIENCE_S)
    shower.publish(own.of(ShowerTopic.REPORTS), b"a report", wait_s=PATIENCE_S)
    assert heard.get(timeout=PATIENCE_S) == (own.of(ShowerTopic.REPORTS), b"a report")
    server.publish(own.of(ShowerTopic.ANSWERS), b"an answer", wait_s=PATIENCE_S)
    assert heard.get(timeout=PATIENCE_S) == (own.of(ShowerTopic.ANSWERS), b"an answer")


def test_key_files_are_private(tmp_path: Path) -> None:
    from messages import KeyFileError, make_private_key, public_key_text, read_private_key

    path = tmp_path / "key.pem"
    key = make_private_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert public_key_text(read_private_key(path)) == public_key_text(key)
    with pytest.raises(KeyFileError, match="never overwritten"):
        make_private_key(path)
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="chmod 600"):
        read_private_key(path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("", "not JSON"), ("[]", "not a JSON object"), ('{"edge": "short"}', "edge"), ('{"edge": {"key": 5}}', "edge"),
     ('{"edge": {"key": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "actions": ["fly"]}}', "fly")],
)  # fmt: skip
def test_files_of_trusted_keys_complain_clearly(tmp_path: Path, text: str, complaint: str) -> None:
    from messages import KeyFileError, read_trusted_keys

    path = tmp_path / "trusted.json"
    path.write_text(text)
    with pytest.raises(KeyFileError, match=complaint):
        read_trusted_keys(path)

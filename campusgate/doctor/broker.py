"""The way to the broker: it answers, it is the right one, and it lets this process in."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from bus import BrokerAddress, BusError, Connection, random_client_id
from campusgate.doctor.certificates import connect_tls
from campusgate.doctor.findings import Finding, Status, fault, ok, skip, warn
from campusgate.doctor.running import find_process, has_connection
from campusgate.settings import Settings
from campusgate.wiring.broker import make_broker_address

_LINK: Final = "broker"
_WAIT_S: Final = 8.0
_HOW: Final = "renew it by `campusgate setup certificates` at the broker, or mend CAMPUSGATE_MQTT__CA_FILE"


def check_broker(settings: Settings, *, signs_in: bool = True) -> Iterator[Finding]:
    """Examine the broker, as each of the users that this process is there.

    Without `signs_in` nobody is: of a process that keeps no file nobody knows whether it runs, and is thrown out.
    """
    address = make_broker_address(settings)
    context = address.tls()
    if context is None:
        yield warn(_LINK, f"{address}: without CAMPUSGATE_MQTT__CA_FILE everybody on the way reads along")
    else:
        answer = connect_tls(_LINK, address.host, address.port, context, _HOW)
        yield answer
        if answer.status is Status.FAULT:
            return
    if not signs_in:
        yield skip(_LINK, f"whether it lets {address.username} in was not tried: what runs would lose its connection")
        return
    process = find_process(settings.data_dir)
    if process is not None and has_connection(process, address.port):
        yield ok(_LINK, f"the running process {process} is connected")
        return
    # Who runs and is not connected loses nothing when its place is taken for a moment.
    for one in _users(settings, address):
        yield _sign_in(one)


def _users(settings: Settings, address: BrokerAddress) -> Iterator[BrokerAddress]:
    yield address
    mqtt = settings.mqtt
    if mqtt.orders_username is not None:
        password = mqtt.orders_password.get_secret_value() if mqtt.orders_password is not None else address.password
        yield replace(address, username=mqtt.orders_username, password=password)


def _sign_in(address: BrokerAddress) -> Finding:
    who = address.username or "nobody in particular"
    connection = Connection(address, random_client_id("doctor"))
    connection.start()
    try:
        connection.wait_connected(_WAIT_S)
    except BusError as error:
        return fault(
            _LINK,
            f"{address} does not let {who} in ({error}); the user and password of CAMPUSGATE_MQTT__… must stand in the "
            "broker's file, which it reads again on SIGHUP",
        )
    finally:
        connection.stop()
    return ok(_LINK, f"lets {who} in")

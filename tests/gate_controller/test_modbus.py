"""A relay board on the network, against a real Modbus server."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from gate_controller.boards.modbus_client import ModbusClient, group_neighbours
from gate_controller.relays import RelayError
from gate_controller.supervision import Loop, LoopLimits
from messages import Action, DoorStatus, EventKind, Refusal
from tests.waiting import PATIENCE_S, until

COIL, CONTACT, FIRE = 0, 1, 2
READ_COILS, READ_INPUTS, READ_REGISTERS, WRITE_COIL = 1, 2, 4, 5


class RelayBoard:
    """A board that can lose its power; its coils are off when it comes back. What its inputs say is set by the test."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.written: list[tuple[int, bool]] = []
        self.asked: list[tuple[int, int, int]] = []
        """Function, first number and count of each request, in the order in which they came."""
        self.held: threading.Event | None = None
        """While it is not set, answers to readings wait for it."""
        self.reading = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.on()

    def on(self) -> None:
        self.coil = False
        self._inputs = {CONTACT: True}
        self._registers = {FIRE: round(0.5 * 65535)}
        self._asked, self._count = 0, 1

        async def begin() -> None:
            bits, words = (
                SimData(0, values=[False] * 16, datatype=DataType.BITS),
                SimData(0, values=[0] * 16, datatype=DataType.REGISTERS),
            )
            device = SimDevice(1, simdata=([bits], [bits], [words], [words]))
            self._server = ModbusTcpServer(device, address=("127.0.0.1", self.port), trace_pdu=self._trace)
            await self._server.serve_forever(background=True)

        asyncio.run_coroutine_threadsafe(begin(), self._loop).result(10)

    def off(self) -> None:
        asyncio.run_coroutine_threadsafe(self._server.shutdown(), self._loop).result(10)

    def end(self) -> None:
        self.off()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def set_input(self, number: int, *, closed: bool) -> None:
        self._inputs[number] = closed

    def measure(self, number: int, part: float) -> None:
        self._registers[number] = round(part * 65535)

    def _trace(self, sending: bool, pdu):
        if not sending:
            self._asked, self._count = pdu.address, max(1, pdu.count)
            self.asked.append((pdu.function_code, pdu.address, self._count))
            if pdu.function_code == WRITE_COIL:
                self.coil = bool(pdu.bits[0])
                self.written.append((pdu.address, self.coil))
            elif self.held is not None:
                self.reading.set()
                self.held.wait(PATIENCE_S)
            return pdu
        numbers = range(self._asked, self._asked + self._count)
        if pdu.function_code == READ_COILS:
            pdu.bits = [self.coil for _ in numbers] + [False] * 7
        elif pdu.function_code == READ_INPUTS:
            pdu.bits = [self._inputs[number] for number in numbers] + [False] * 7
        elif pdu.function_code == READ_REGISTERS:
            pdu.registers = [self._registers[number] for number in numbers]
        return pdu


@pytest.fixture
def server(unused_port: int) -> Iterator[RelayBoard]:
    server = RelayBoard(unused_port)
    yield server
    server.end()


@pytest.fixture
def board(server: RelayBoard) -> Iterator[ModbusClient]:
    board = ModbusClient("127.0.0.1", server.port)
    yield board
    board.stop()


def test_a_relay_moves_and_tells_what_the_board_says(server, board) -> None:
    relay = board.add_relay(COIL)
    board.start()
    assert relay.energised is False
    relay.energise()
    assert (relay.energised, server.coil) == (True, True)
    relay.release()
    assert (relay.energised, server.coil) == (False, False)


@pytest.mark.parametrize("energised", [False, True])
def test_nothing_is_written_at_start_whatever_the_relay_is(server, board, energised: bool) -> None:
    server.coil = energised
    relay = board.add_relay(COIL)
    board.start()
    assert relay.energised is energised
    assert server.written == []


def test_a_board_that_is_gone_is_an_error_and_comes_back(server, board, monkeypatch) -> None:
    monkeypatch.setattr("gate_controller.boards.modbus_client.RETRY_S", 0.1)
    relay, wire = board.add_relay(COIL), board.add_input(CONTACT, active_when_open=True)
    board.start()
    server.off()
    until(lambda: wire.fault == "lost")
    with pytest.raises(RelayError, match="does not answer"):
        _ = relay.energised
    with pytest.raises(RelayError, match="does not answer"):
        relay.energise()
    server.on()
    until(lambda: wire.fault is None)
    assert relay.energised is False


def test_a_closed_loop_is_rest_and_a_change_is_told(server, board) -> None:
    wire, seen = board.add_input(CONTACT, active_when_open=True), []
    wire.watch(seen.append)
    board.start()
    assert not wire.active
    server.set_input(CONTACT, closed=False)
    until(lambda: seen == [True])
    server.set_input(CONTACT, closed=True)
    until(lambda: seen == [True, False])


def test_neighbouring_inputs_are_one_request(server, board) -> None:
    for number in (4, 2, 3, 9):
        server.set_input(number, closed=True)
        board.add_input(number, active_when_open=True)
    board.add_relay(COIL), board.add_relay(COIL + 1)
    board.start()
    expected = [(READ_COILS, 0, 2), (READ_INPUTS, 2, 3), (READ_INPUTS, 9, 1)]
    assert server.asked[: len(expected)] == expected


def test_runs_of_neighbours() -> None:
    assert group_neighbours([]) == []
    assert group_neighbours([7, 5, 6, 1]) == [range(1, 2), range(5, 8)]
    assert [len(run) for run in group_neighbours(range(100))] == [64, 36]


def test_a_write_goes_between_two_readings(server, board) -> None:
    relay = board.add_relay(COIL)
    for number in (2, 4, 6, 8):
        server.set_input(number, closed=True)
        board.add_input(number, active_when_open=True)
    board.start()
    # The board is slow: a reading is under way when the door is to open.
    server.held = threading.Event()
    server.reading.wait(PATIENCE_S)
    under_way = len(server.asked)
    opening = threading.Thread(target=relay.energise)
    opening.start()
    until(lambda: board._line._urgent)
    held, server.held = server.held, None
    held.set()
    opening.join(PATIENCE_S)
    assert server.coil
    assert [function for function, *_ in server.asked[under_way : under_way + 2]] == [WRITE_COIL, READ_COILS]


def test_a_write_that_is_given_up_is_not_delivered_by_the_kernel_later() -> None:
    """Hung up in order, the network would go on to deliver it: a pulled cable that is put back would open the door."""
    found, heard = [], threading.Event()

    def answer_all_but_writes(listening: socket.socket) -> None:
        connection = listening.accept()[0]
        while (request := connection.recv(12))[7] != WRITE_COIL:
            connection.sendall(request[:2] + bytes([0, 0, 0, 4]) + request[6:8] + bytes([1, 0]))
        given_up.wait(PATIENCE_S)
        try:
            found.append(connection.recv(12))
        except ConnectionResetError:
            found.append("reset")
        connection.close()
        heard.set()

    given_up = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=answer_all_but_writes, args=(listening,), daemon=True).start()
        board = ModbusClient("127.0.0.1", listening.getsockname()[1])
        relay = board.add_relay(COIL)
        board.start()
        with pytest.raises(RelayError, match="does not answer"):
            relay.energise()
        given_up.set()
        assert heard.wait(PATIENCE_S)
        board.stop()
    assert found == ["reset"]


@pytest.mark.parametrize(("part", "fault"), [(0.0, "short"), (1.0, "cut")])
def test_a_broken_fire_loop_is_told_and_counts_as_fire(server, board, part: float, fault: str) -> None:
    wire = board.add_supervised_input(FIRE, active_when_open=True, loop=Loop(LoopLimits(settle_s=0.01)))
    faults: list[str | None] = []
    wire.watch_fault(faults.append)
    board.start()
    server.measure(FIRE, part)
    until(lambda: faults == [fault])
    assert wire.active
    server.measure(FIRE, 0.5)
    until(lambda: faults == [fault, None])
    until(lambda: not wire.active)


def test_the_controller_tells_a_lost_board_and_opens_nothing_late(server, board, bench, operator, monkeypatch) -> None:
    monkeypatch.setattr("gate_controller.boards.modbus_client.RETRY_S", 0.1)
    bench.relay, bench.contact = board.add_relay(COIL), board.add_input(CONTACT, active_when_open=True)
    board.start()
    bench.start()
    operator.state(DoorStatus.LOCKED)
    assert operator.ask(Action.OPEN).accepted
    assert server.coil
    server.set_input(CONTACT, closed=False)
    operator.state(DoorStatus.OPEN)
    assert not server.coil
    server.set_input(CONTACT, closed=True)
    operator.state(DoorStatus.LOCKED)

    server.off()
    fault = operator.event(EventKind.WIRE_FAULT)
    assert (fault.reason, fault.details["wire"]) == ("lost", "contact")
    operator.event(EventKind.DOOR_FAULT)
    assert operator.ask(Action.OPEN).refusal is Refusal.DOOR_FAULT
    server.on()
    operator.event(EventKind.DOOR_FAULT_ENDED)
    operator.event(EventKind.WIRE_RESTORED)
    assert not server.coil


def test_a_door_held_open_is_held_open_again_when_the_board_is_back(
    server, board, bench, operator, monkeypatch
) -> None:
    monkeypatch.setattr("gate_controller.boards.modbus_client.RETRY_S", 0.1)
    bench.relay = board.add_relay(COIL)
    board.start()
    bench.start()
    operator.state(DoorStatus.LOCKED)
    assert operator.ask(Action.HOLD).accepted
    server.off()
    operator.event(EventKind.DOOR_FAULT)
    server.on()
    operator.event(EventKind.DOOR_FAULT_ENDED)
    assert server.coil

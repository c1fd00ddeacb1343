"""NTAG 424 DNA messages: NXP's published examples, forgeries, and cards at a door."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from access.credentials import card_digest
from gate_controller.memory import DoorMemory
from gate_controller.readers import ReadingResult
from gate_controller.sun import (
    ProofError,
    ProofKeyError,
    ProofKeys,
    ProvenCard,
    SunMessage,
    cmac,
    diversification_input,
    diversified_key,
    parse_sun,
    read_proof_keys,
    verify_sun,
    verify_with,
)
from messages import DoorStatus, EventKind
from tests.waiting import PATIENCE_S, until

KEYS = ProofKeys(bytes(range(16)), bytes(range(16, 32)))
ACTIVE_CARD = "04A31B72"


def written(keys: ProofKeys, uid: bytes, counter: int) -> str:
    """What a card of this site writes into a reading."""
    mirrored = uid + counter.to_bytes(3, "little")
    encryptor = Cipher(algorithms.AES(keys.meta_read), modes.CBC(bytes(16))).encryptor()
    picc_data = encryptor.update(b"\xc7" + mirrored + b"\x5a" * 5) + encryptor.finalize()
    own = diversified_key(keys.file_read, diversification_input(uid, keys.system))
    mac = cmac(cmac(own, bytes.fromhex("3CC300010080") + mirrored), b"")[1::2]
    return f"picc_data={picc_data.hex().upper()}&cmac={mac.hex().upper()}"


def test_the_example_of_an12196() -> None:
    """Encrypted PICC data with both keys zero: UID 04DE5F1EACC040, counter 0x3D."""
    text = "https://ntag.nxp.com/424?picc_data=EF963FF7828658A599F3041510671E88&cmac=94EED9EE65337086"
    message = parse_sun(text)
    assert verify_sun(message, bytes(16), lambda _uid: bytes(16)) == ProvenCard(bytes.fromhex("04DE5F1EACC040"), 0x3D)


def test_the_example_of_an10922() -> None:
    master = bytes.fromhex("00112233445566778899AABBCCDDEEFF")
    uid, application, system = "04782E21801D80", "3042F5", "4E585020416275"
    own = diversified_key(master, bytes.fromhex(uid + application + system))
    assert own.hex().upper() == "A8DD63A3B89D54B37CA802473FDA9175"


@pytest.mark.parametrize("length", [0, 15, 32])
def test_inputs_of_another_padding_are_refused(length: int) -> None:
    with pytest.raises(ValueError, match="16 to 31"):
        diversified_key(bytes(16), bytes(length))


@given(uid=st.binary(min_size=7, max_size=7), counter=st.integers(0, 2**24 - 1))
def test_a_card_of_this_site_is_known(uid: bytes, counter: int) -> None:
    assert verify_with(KEYS, parse_sun(written(KEYS, uid, counter))) == ProvenCard(uid, counter)


@given(bit=st.integers(0, 24 * 8 - 1))
def test_no_bit_can_be_changed(bit: int) -> None:
    message = parse_sun(written(KEYS, bytes(7), 5))
    forged = bytearray(message.picc_data + message.mac)
    forged[bit // 8] ^= 1 << (bit % 8)
    with pytest.raises(ProofError):
        verify_with(KEYS, SunMessage(bytes(forged[:16]), bytes(forged[16:])))


def test_a_card_of_another_site_is_refused() -> None:
    other = ProofKeys(KEYS.meta_read, bytes(16))
    with pytest.raises(ProofError):
        verify_with(KEYS, parse_sun(written(other, bytes(7), 5)))


@given(st.text())
def test_other_texts_are_no_messages(text: str) -> None:
    assert parse_sun(text) is None


def test_counters_rise_and_are_remembered(tmp_path: Path) -> None:
    memory = DoorMemory(tmp_path / "memory.db")
    assert [memory.spend_counter("card", counter) for counter in (5, 5, 4, 6)] == [True, False, False, True]
    memory.close()
    memory = DoorMemory(tmp_path / "memory.db")
    assert [memory.spend_counter("card", 6), memory.spend_counter("other", 6)] == [False, True]
    memory.close()


@pytest.mark.parametrize(("text", "complaint"), [("", "two lines"), ("00" * 16, "two lines"), ("zz\nzz", "two lines")])
def test_a_bad_file_of_keys_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "cards.keys"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ProofKeyError, match=complaint):
        read_proof_keys(path)
    path.write_text(f"{'00' * 16}\n{'11' * 16}\n")
    assert read_proof_keys(path) == ProofKeys(bytes(16), b"\x11" * 16)
    path.chmod(0o644)
    with pytest.raises(ProofKeyError, match="chmod 600"):
        read_proof_keys(path)


def test_a_proven_card_opens_once_for_each_reading(bench, directory, operator) -> None:
    bench.proof_keys = KEYS
    uid = bytes.fromhex("04DE5F1EACC040")
    seen: list[tuple[str, bool]] = []

    def by_credential(_kind: str, digest: str) -> None:
        seen.append((digest, True))

    bench.directory.by_credential = by_credential
    bench.start()
    operator.state(DoorStatus.LOCKED)

    def present(text: str) -> ReadingResult:
        return bench.reader.present(text, kind="sun").get(timeout=PATIENCE_S)

    one = written(KEYS, uid, 5)
    assert present(one).reason == "unknown_credential"
    assert seen == [(card_digest(bytes(range(32)), uid.hex()), True)]
    assert present(one) == ReadingResult(False, "card_replayed")
    assert present(one[:-1] + ("0" if one[-1] != "0" else "1")) == ReadingResult(False, "card_forged")
    assert present("no message") == ReadingResult(False, "card_forged")
    operator.until(lambda: [event.reason for event in operator.events].count("card_forged") == 2)
    assert operator.kinds.count(EventKind.ACCESS_DENIED) == 4
    assert bench.relay.history == []


def test_what_a_proven_card_says_is_authenticated(bench, operator) -> None:
    from messages import ProcessStatus

    bench.proof_keys = KEYS
    bench.start(answer_wait_s=60)
    operator.state(DoorStatus.LOCKED)
    operator.edge(ProcessStatus.ONLINE)
    until(lambda: bench.controller._cards.edge_online)
    bench.reader.present(written(KEYS, bytes(7), 1), kind="sun")
    operator.until(lambda: operator.taps)
    assert operator.taps[0].authenticated
    assert operator.taps[0].credential_kind == "card"


def test_without_keys_nobody_is_proven(bench, operator) -> None:
    bench.start()
    operator.state(DoorStatus.LOCKED)
    assert bench.reader.present(written(KEYS, bytes(7), 1), kind="sun").get(timeout=PATIENCE_S) == ReadingResult(
        False, "card_forged"
    )

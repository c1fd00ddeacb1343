"""A shower around the state machine: water that flows through a valve, a server, and a network that loses messages."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from messages.metering import (
    DeviceHeartbeat,
    HeartbeatAnswer,
    MeterTotal,
    SessionAnswer,
    SessionLimit,
    SessionReport,
    SessionStep,
    ShownCard,
    WaterPrice,
)
from metering.shower.controller import advance
from metering.shower.recovery import Kept, recover
from metering.shower.signals import (
    Answered,
    CardShown,
    CodeShown,
    Effect,
    Forget,
    HeartbeatAnswered,
    Instant,
    KeepTerms,
    MetersRead,
    MoveValve,
    Save,
    Send,
    Show,
    Signal,
    ValvePosition,
)
from metering.shower.state import State, Times

DEVICE = UUID(int=12)
BEGIN = datetime(2026, 11, 27, 12, tzinfo=UTC)
PULSES_PER_M3 = 450_000
ML_PER_S = 150
POLL_S = 0.5
PRICES = (WaterPrice(utility="hot_water", fen_per_m3=2_500),)


def card(number: int) -> ShownCard:
    return ShownCard(digest=f"{number:064x}")


@dataclass
class World:
    """Everything but the machine is ideal, unless a test breaks it."""

    answers: bool = True
    """Whether the server's answers come."""
    refusal: str | None = None
    limit: SessionLimit = field(default_factory=lambda: SessionLimit(fen=500))
    is_tap_open: bool = True
    valve_sticks: bool = False
    offline_fen: int = 0
    no_flow_s: int = 60
    state: State = field(init=False)
    records: dict[UUID, SessionReport] = field(default_factory=dict)
    terms: HeartbeatAnswer | None = None
    is_open: bool = False
    flowed_ml: int = 0
    boot_ml: int = 0
    meters_answer: bool = True
    now_s: float = 1_000.0
    sent: list[SessionReport] = field(default_factory=list)
    heartbeats: list[DeviceHeartbeat] = field(default_factory=list)
    ended: dict[UUID, SessionReport] = field(default_factory=dict)
    """The ends that the server heard, by session."""
    shown: list[Show] = field(default_factory=list)
    inbox: list[Signal] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.boot()

    @property
    def now(self) -> Instant:
        return Instant(self.now_s, BEGIN + timedelta(seconds=self.now_s), clock_sure=True)

    def totals(self) -> tuple[MeterTotal, ...]:
        def pulses(ml: int) -> int:
            return ml * PULSES_PER_M3 // 1_000_000

        now, total = pulses(self.flowed_ml - self.boot_ml), pulses(self.flowed_ml)
        return (MeterTotal(utility="hot_water", pulses_per_m3=PULSES_PER_M3, now=now, total=total),)

    def boot(self) -> None:
        """Power is back: the valve is closed, the counter since the start begins again."""
        self.is_open, self.boot_ml, self.inbox = False, self.flowed_ml, []
        kept = Kept(tuple(self.records.values()), self.terms)
        self.state, effects = recover(DEVICE, uuid4(), kept, totals=self.totals(), now=self.now, times=Times())
        self.act(effects)

    def give(self, signal: Signal) -> None:
        self.state, effects = advance(self.state, signal, self.now)
        self.act(effects)

    def tap(self, number: int = 1) -> None:
        self.give(CardShown(card(number)))

    def scan(self, code: str = "1" * 18) -> None:
        self.give(CodeShown(code))

    def run(self, seconds: float) -> None:
        """Let time pass: water flows, meters are read, answers come."""
        for _ in range(round(seconds / POLL_S)):
            self.now_s += POLL_S
            if self.is_open and self.is_tap_open:
                self.flowed_ml += round(ML_PER_S * POLL_S)
            position = ValvePosition.OPEN if self.is_open else ValvePosition.CLOSED
            self.give(MetersRead(self.totals() if self.meters_answer else None, position))
            waiting, self.inbox = self.inbox, []
            for signal in waiting:
                self.give(signal)

    def act(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            match effect:
                case Save(report):
                    self.records[report.session] = report
                case Forget(session):
                    self.records.pop(session, None)
                case KeepTerms(terms):
                    self.terms = terms
                case MoveValve(is_open):
                    self.is_open = is_open or (self.is_open and self.valve_sticks)
                case Show():
                    self.shown.append(effect)
                case Send(DeviceHeartbeat() as heartbeat):
                    self.heartbeats.append(heartbeat)
                    if self.answers:
                        self.inbox.append(HeartbeatAnswered(self.answer_heartbeat(heartbeat)))
                case Send(SessionReport() as report):
                    assert self.records[report.session].seq >= report.seq, "what is sent was recorded before"
                    self.sent.append(report)
                    if self.answers:
                        self.inbox.append(Answered(self.answer(report)))

    def answer(self, report: SessionReport) -> SessionAnswer:
        if report.step is SessionStep.ENDED:
            self.ended.setdefault(report.session, report)
        refusal = self.refusal if report.step is SessionStep.AUTHORISE else None
        return SessionAnswer(
            device=DEVICE, session=report.session, seq=report.seq, at=self.now.at, state="running", refusal=refusal,
            limit=self.limit,
        )  # fmt: skip

    def answer_heartbeat(self, heartbeat: DeviceHeartbeat) -> HeartbeatAnswer:
        unsettled = heartbeat.unsettled
        return HeartbeatAnswer(
            device=DEVICE,
            boot_id=heartbeat.boot_id,
            seq=heartbeat.seq,
            at=self.now.at,
            utc_offset_s=28_800,
            revision="1",
            heartbeat_s=30,
            update_s=20,
            prices=PRICES,
            idle_s=30,
            no_flow_s=self.no_flow_s,
            pause_s=120,
            most=SessionLimit(fen=1_000, ml=200_000, open_s=1_800),
            offline=SessionLimit(fen=self.offline_fen) if self.offline_fen else None,
            offline_fen_per_card=self.offline_fen,
            answer=self.answer(unsettled) if unsettled is not None else None,
        )

    def used_ml(self, report: SessionReport) -> int:
        """What the server would bill of a report."""
        total = 0
        for count in report.counts:
            if count.now is not None and count.begin is not None:
                total += (count.now - count.begin) * 1_000_000 // count.pulses_per_m3
            elif count.total is not None and count.begin_total is not None:
                total += (count.total - count.begin_total) * 1_000_000 // count.pulses_per_m3
        return total

    @property
    def last_end(self) -> SessionReport:
        return list(self.ended.values())[-1]

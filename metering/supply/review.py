"""Reviewing a room: its grounds are brought up to date, and each of its meters is told what follows from them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from metering.reader_contract import MeterLoad
from metering.rooms.tables import Building, Meter, MeterPeriod, Room
from metering.supply import orders, room_state
from metering.supply.decision import (
    Credit,
    Decision,
    Ground,
    RoomFacts,
    begin_overload,
    decide,
    find_needed_fen,
    find_restoring,
    update_grounds,
)
from metering.supply.load import MEASURED_LATELY, find_limits, find_power, sum_by_room
from metering.supply.ports import NotifyResidents, RoomCredits, notify_nobody
from metering.supply.rules import SupplyRules, find_curfew_start
from metering.supply.states import UNDER_WAY, MeterOrderState
from metering.supply.tables import MeterOrder, RoomNotice, RoomSupply, SupplyGround
from metering.supply.warnings import WELL, NoticeKind, find_level, find_warning
from metering.vocabulary import MeterAction, SupplyState, TripReason

REVIEW_EVERY = timedelta(minutes=15)
"""A room is looked at so often even if nothing calls for it: money runs down, and a relay may be moved by hand."""
REVIEW_OWING_EVERY = timedelta(minutes=1)
"""A room that waits for money: whoever paid by a way that does not call for a review must not sit in the dark."""
_FAILED = (MeterOrderState.REFUSED, MeterOrderState.SILENT, MeterOrderState.EXPIRED)


@dataclass(frozen=True, slots=True)
class SupplyKeeper:
    """Keeps the supply of rooms as the campus's rules want it. Every method works in the caller's transaction."""

    rules: SupplyRules
    credits: RoomCredits
    notify: NotifyResidents = notify_nobody

    def review(self, session: Session, room_id: UUID, *, now: datetime) -> RoomSupply:
        """Bring a room's grounds up to date with its money, the time and its residents, and order what follows."""
        state = room_state.lock(session, room_id)
        credit = self.credits.find(session, room_id, now)
        self._watch_load(session, state, now)
        standing = self._update(session, state, credit, now)
        decisions = [
            self._tell(session, meter, state, standing, now) for meter in room_state.find_relays(session, room_id, now)
        ]
        state.put_off_until = max((one.put_off_until for one in decisions if one.put_off_until), default=None)
        self._warn(session, state, credit, standing, now)
        is_owing = any(row.reason is TripReason.NO_CREDIT for row in standing)
        again = [one.look_again_at for one in decisions]
        again += [now + (REVIEW_OWING_EVERY if is_owing else REVIEW_EVERY), find_curfew_start(self.rules, now)]
        state.review_at = min(at for at in again if at is not None and at > now)
        session.flush()
        return state

    def find_due(self, session: Session, *, now: datetime, limit: int = 500) -> Sequence[UUID]:
        """Return rooms that are to be reviewed, those with a meter that never were among them."""
        known = select(RoomSupply.room_id).where(RoomSupply.review_at <= now).order_by(RoomSupply.review_at)
        due = list(session.scalars(known.limit(limit)))
        new = select(Room.id).where(Room.id.not_in(select(RoomSupply.room_id)), Room.closed_at.is_(None))
        return [*due, *session.scalars(new.limit(limit - len(due)))] if len(due) < limit else due

    def call_for_review(self, session: Session, meter_ids: Sequence[UUID], *, now: datetime) -> None:
        """Let the rooms of these meters be reviewed at the next turn: their relays may have moved."""
        rooms = select(MeterPeriod.room_id).where(MeterPeriod.meter_id.in_(meter_ids), MeterPeriod.ends_at.is_(None))
        session.execute(update(RoomSupply).where(RoomSupply.room_id.in_(rooms)).values(review_at=now))

    def note_readings(self, session: Session, meter_ids: Collection[UUID], *, now: datetime) -> None:
        """Let those of the meters' rooms be reviewed at the next turn whose money has run down."""
        rooms = select(MeterPeriod.room_id).where(MeterPeriod.meter_id.in_(meter_ids), MeterPeriod.ends_at.is_(None))
        is_low = RoomSupply.warning_level != WELL
        session.execute(update(RoomSupply).where(RoomSupply.room_id.in_(rooms), is_low).values(review_at=now))

    def add_ground(
        self, session: Session, room_id: UUID, reason: TripReason, *, note: str, now: datetime
    ) -> SupplyGround:
        """Let a ground begin that money, time and residents do not bring; one that stands already is returned."""
        room_state.lock(session, room_id)
        for ground in room_state.find_standing(session, room_id):
            if ground.reason is reason:
                return ground
        until = None
        if reason is TripReason.OVERLOAD:
            until = begin_overload(room_state.find_overloads(session, room_id), self.rules, now).until
        ground = SupplyGround(room_id=room_id, reason=reason, began_at=now, until=until, note=note)
        session.add(ground)
        session.flush()
        self.review(session, room_id, now=now)
        return ground

    def end_ground(self, session: Session, ground: SupplyGround, *, by: UUID, now: datetime) -> None:
        """Let staff end a ground; the supply is then restored as its rule says, unless another ground stands."""
        state = room_state.lock(session, ground.room_id)
        ground.ended_at, ground.lifted_by = now, by
        self._restore_by(state, [ground.reason])
        session.flush()
        self.review(session, ground.room_id, now=now)

    def find_load_limits(self, session: Session, device_id: UUID) -> dict[UUID, int]:
        """Return the power (W) above which each of the meters that a device reads is to be reported."""
        return find_limits(session, device_id, self.rules.load_limit_w)

    def note_loads(self, session: Session, loads: Mapping[UUID, MeterLoad], *, now: datetime) -> None:
        """Cut off the rooms that draw more than they may by what their meters just measured."""
        fresh = {meter: one for meter, one in loads.items() if now - one.at <= MEASURED_LATELY}
        if not fresh:
            return
        measured_at = min(one.at for one in fresh.values())
        rooms = sum_by_room(session, {meter: one.power_w for meter, one in fresh.items()})
        for room_id, watts in sorted(rooms.items()):
            self.note_power(session, room_id, watts, at=measured_at, now=now)

    def note_power(
        self, session: Session, room_id: UUID, watts: int, *, now: datetime, at: datetime | None = None
    ) -> SupplyGround | None:
        """Cut a room off that drew more (W) than its limit `at` a time, or now; `None`: it did not, or was cut off."""
        state = room_state.lock(session, room_id)
        limit = self._limit(state)
        if limit is None or watts <= limit:
            return None
        if at is not None and any(began >= at for began in room_state.find_overloads(session, room_id)):
            return None
        return self.add_ground(session, room_id, TripReason.OVERLOAD, note=f"{watts} W, limit {limit} W", now=now)

    def note_concluded(self, session: Session, order: MeterOrder, *, now: datetime) -> None:
        """Tell residents what a meter did, and look whether more follows."""
        if order.room_id is None:
            return
        if order.state is MeterOrderState.DONE:
            kind = _NOTICES.get(order.supply) if order.supply else None
            if kind is not None:
                self._tell_residents(session, order.room_id, kind, now, reason=order.reason)
        self.review(session, order.room_id, now=now)

    def _watch_load(self, session: Session, state: RoomSupply, now: datetime) -> None:
        limit = self._limit(state)
        if limit is None:
            return
        drawn = find_power(session, state.room_id, now)
        standing = room_state.find_standing(session, state.room_id)
        if drawn is None or drawn[0] <= limit or any(row.reason is TripReason.OVERLOAD for row in standing):
            return
        earlier = room_state.find_overloads(session, state.room_id)
        # a reading from before the last trip says nothing new
        if all(at < drawn[1] for at in earlier):
            until = begin_overload(earlier, self.rules, now).until
            note = f"{drawn[0]} W, limit {limit} W"
            session.add(
                SupplyGround(room_id=state.room_id, reason=TripReason.OVERLOAD, began_at=now, until=until, note=note)
            )
            session.flush()

    def _limit(self, state: RoomSupply) -> int | None:
        return self.rules.load_limit_w if state.load_limit_w is None else state.load_limit_w

    def _update(self, session: Session, state: RoomSupply, credit: Credit | None, now: datetime) -> list[SupplyGround]:
        rows = {row.reason: row for row in room_state.find_standing(session, state.room_id)}
        residents = len(room_state.find_people(session, state.room_id, now, self.rules.zone))
        has_list = residents > 0 or room_state.has_a_list_of_residents(session, state.room_id)
        facts = RoomFacts(credit, residents if has_list else None, state.is_curfew_exempt)
        changes = update_grounds([_value(row) for row in rows.values()], facts, self.rules, now)
        for reason in changes.ended:
            rows.pop(reason).ended_at = now
        if changes.ended:
            self._restore_by(state, changes.ended)
        if TripReason.NO_CREDIT in changes.ended:
            state.paid_at = (credit and credit.paid_at) or now
        for ground in changes.begun:
            row = SupplyGround(
                room_id=state.room_id, reason=ground.reason, began_at=ground.began_at, until=ground.until, note=""
            )
            session.add(row)
            rows[ground.reason] = row
        session.flush()
        return list(rows.values())

    def _restore_by(self, state: RoomSupply, ended: Sequence[TripReason]) -> None:
        action = find_restoring(ended)
        state.restored_by = MeterAction.ARM if state.restored_by is MeterAction.ARM else action

    def _tell(
        self, session: Session, meter: Meter, state: RoomSupply, standing: Sequence[SupplyGround], now: datetime
    ) -> Decision:
        orders.let_expire(session, meter.id, now=now)
        decision = decide(
            [_value(row) for row in standing],
            meter.supply,
            restored_by=state.restored_by,
            temperature_c=room_state.find_temperature(session, now),
            rules=self.rules,
            now=now,
        )
        last = orders.find_last(session, meter.id)
        if decision.action is None:
            orders.supersede(session, meter.id, now=now)
            if not standing and meter.supply is SupplyState.ON:
                state.restored_by = None
            return decision
        if last is not None and last.action is decision.action:
            if last.state in UNDER_WAY:
                return Decision(look_again_at=last.expires_at)
            if (retry_at := self._retry_at(last)) is not None and now < retry_at:
                return Decision(look_again_at=retry_at)
        expires_at = decision.expires_at or now + self.rules.order_life
        orders.give(
            session,
            meter,
            decision.action,
            room_id=state.room_id,
            reason=decision.reason,
            now=now,
            expires_at=expires_at,
        )
        return Decision(decision.action, decision.reason, expires_at, look_again_at=expires_at)

    def _retry_at(self, last: MeterOrder) -> datetime | None:
        if last.state not in _FAILED or last.ended_at is None:
            return None
        is_power_back_late = last.state is MeterOrderState.EXPIRED and last.action is not MeterAction.TRIP
        return None if is_power_back_late else last.ended_at + self.rules.retry_after

    def _warn(
        self,
        session: Session,
        state: RoomSupply,
        credit: Credit | None,
        standing: Sequence[SupplyGround],
        now: datetime,
    ) -> None:
        level = find_level(credit, [_value(row) for row in standing], self.rules)
        kind = find_warning(state.warning_level, level)
        state.warning_level = level
        if kind is None or credit is None:
            return
        fen = find_needed_fen(credit) if kind is NoticeKind.CUT_OFF_AHEAD else credit.balance_fen
        at = (state.put_off_until or now) if kind is NoticeKind.CUT_OFF_AHEAD else None
        self._tell_residents(session, state.room_id, kind, now, fen=fen, at=at)

    def _tell_residents(
        self,
        session: Session,
        room_id: UUID,
        kind: NoticeKind,
        now: datetime,
        *,
        fen: int | None = None,
        at: datetime | None = None,
        reason: TripReason | None = None,
    ) -> None:
        building, number = session.execute(
            select(Building.name, Room.number).join(Room, Room.building_id == Building.id).where(Room.id == room_id)
        ).one()
        content = {
            "room": f"{building} {number}",
            "fen": fen,
            "at": None if at is None else at.astimezone(self.rules.zone).isoformat(timespec="minutes"),
            "reason": None if reason is None else reason.value,
        }
        session.add(RoomNotice(room_id=room_id, at=now, kind=kind, content=content))
        people = room_state.find_people(session, room_id, now, self.rules.zone)
        self.notify(session, people, kind, content, now=now)


_NOTICES = {
    SupplyState.OFF: NoticeKind.CUT_OFF,
    SupplyState.ARMED: NoticeKind.ARMED,
    SupplyState.ON: NoticeKind.RESTORED,
}


def _value(row: SupplyGround) -> Ground:
    return Ground(row.reason, row.began_at, row.until)

"""A person's cards under random sequences of everything that can happen to them, through the room's functions."""

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from accounts import audit, cards, people
from accounts.cards import card_states, loss, virtual_cards
from accounts.cards.card_states import TRANSITIONS, CardAction, CardTransitionError
from accounts.cards.virtual_cards import ChannelUser
from accounts.ledger import chart, posting
from accounts.ledger.transfer import AccountKind, Transfer
from accounts.people import Particulars, changes
from accounts.vocabulary import CardKind, CardState, Channel, PersonKind
from database import new_id
from tests.databases import copied
from web.problems import ProblemError

ENDED = {CardState.REPLACED, CardState.RETURNED}


@pytest.mark.parametrize("state", CardState)
@pytest.mark.parametrize("action", CardAction)
def test_every_step_is_either_in_the_table_or_refused(state, action):
    if (state, action) in TRANSITIONS:
        assert card_states.after(state, action) is TRANSITIONS[state, action]
    else:
        with pytest.raises(CardTransitionError) as error:
            card_states.after(state, action)
        assert error.value.members == {"state": state.value, "action": action.value}


def test_nothing_leaves_an_end():
    assert not {state for state, _ in TRANSITIONS} & ENDED


class OnePersonsCards(RuleBasedStateMachine):
    """Steps may be refused; whatever happens, the invariants hold, and a refused step leaves nothing behind."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.database = copied(self.template, Path(self.folder.name))
        self.now = datetime(2026, 9, 1, tzinfo=UTC)
        self.fees = self.top_ups = 0
        with self.database.begin() as session:
            particulars = Particulars(number="1", name="n", kind=PersonKind.STUDENT, valid_from=self.now)
            self.person_id = people.create(session, particulars, by="system", now=self.now).id

    def teardown(self) -> None:
        # The trail only grows, so that it is whole at the end says it of every step.
        with self.database.read() as session:
            assert audit.verify(session).intact
        self.database.close()
        self.folder.cleanup()

    def attempt(self, step) -> bool:
        self.now += timedelta(seconds=1)
        try:
            with self.database.begin() as session:
                step(session, people.get(session, self.person_id))
        except ProblemError:
            return False
        return True

    @rule(uid=st.sampled_from(["0A0B0C0D", "0A0B0C0E", "0A0B0C0F"]))
    def issue(self, uid):
        self.attempt(lambda s, p: cards.issue(s, p, uid, key_number=None, by="system", now=self.now))

    @rule(channel=st.sampled_from(Channel))
    def bind(self, channel):
        user = ChannelUser("u", None)
        self.attempt(lambda s, p: virtual_cards.bind(s, p, channel, user, by="system", now=self.now))

    @rule(action=st.sampled_from([CardAction.SUSPEND, CardAction.RETURN]), which=st.integers(0, 3))
    def step(self, action, which):
        def take(session, person):
            live = cards.of_person(session, person.id)
            if which < len(live):
                cards.apply(session, live[which], action, by="system", now=self.now)

        self.attempt(take)

    @rule()
    def report(self):
        self.attempt(lambda s, p: loss.report(s, p, through="app", by="system", now=self.now))

    @rule()
    def found(self):
        self.attempt(lambda s, p: loss.release(s, p, by="system", now=self.now))

    @rule(uid=st.sampled_from(["0A0B0C0D", "0A0B0C0E", "0A0B0C0F"]))
    def reissue(self, uid):
        self.fees += self.attempt(lambda s, p: loss.reissue(s, p, uid, key_number=None, by="system", now=self.now))

    @rule()
    def a_day_passes(self):
        self.now += timedelta(hours=24)

    @rule()
    def ten_yuan(self):
        def top_up(session, person):
            cash = chart.open_named(session, AccountKind.CASH, "counter", self.now)
            wish = Transfer(id=new_id(), purpose="cash", debit=cash, credit=person.id, amount=loss.FEE_FEN)
            posting.record(session, [wish], self.now)

        self.top_ups += self.attempt(top_up)

    @invariant()
    def the_cards_are_right(self):
        # Read once for all that must hold: each session takes longer than what it reads.
        with self.database.read() as session:
            every = cards.of_person(session, self.person_id, ended=True)
            live = [card for card in every if card.ended_at is None]
            self.at_most_one_physical_card_and_one_virtual_for_each_channel_live(live)
            self.while_a_loss_is_open_nothing_opens_a_door(session, live)
            self.each_reissue_has_cost_ten_yuan(session)
            self.history_ends_in_the_cards_state(session, every)
            assert changes.latest(session) > 0

    def at_most_one_physical_card_and_one_virtual_for_each_channel_live(self, live):
        assert sum(card.kind is CardKind.PHYSICAL for card in live) <= 1
        channels = [card.channel for card in live if card.kind is CardKind.VIRTUAL]
        assert len(channels) == len(set(channels))

    def while_a_loss_is_open_nothing_opens_a_door(self, session, live):
        if loss.open_loss(session, self.person_id) is not None:
            assert not any(card.state is CardState.ACTIVE for card in live)
        else:
            assert not any(card.suspended_for_loss or card.state is CardState.LOST for card in live)

    def each_reissue_has_cost_ten_yuan(self, session):
        assert chart.account(session, self.person_id).balance == (self.top_ups - self.fees) * loss.FEE_FEN

    def history_ends_in_the_cards_state(self, session, every):
        for card in every:
            history = cards.history(session, card.id)
            assert history[-1].state is card.state
            assert (card.ended_at is not None) == (card.state in ENDED)


def test_the_invariants_hold_after_every_step_of_a_persons_cards(sqlite_template):
    class Cards(OnePersonsCards):
        template = sqlite_template

    run_state_machine_as_test(Cards, settings=settings(max_examples=40, stateful_step_count=25, deadline=None))

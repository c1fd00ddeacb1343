"""What people are told of their account: every kind has words in both languages, and fits its column."""

from sqlalchemy import select

from accounts import people
from accounts.people import Particulars
from accounts.people.notices import AccountNotice
from accounts.vocabulary import PersonKind
from database import Database
from enrollment import account_notices
from enrollment.tables import Notice
from tests.enrollment.conftest import NOW


def test_every_notice_is_written(database: Database) -> None:
    with database.begin() as session:
        given = Particulars(number="20260001", name="Li Lei", kind=PersonKind.STUDENT, valid_from=NOW)
        person = people.create(session, given, by="test", now=NOW)
        for what in AccountNotice:
            account_notices.write(session, person.id, what, now=NOW)
    with database.read() as session:
        notices = {notice.kind: notice.content for notice in session.scalars(select(Notice))}
    assert notices.keys() == {what.value for what in AccountNotice}
    assert all(
        content[lang]["title"] and content[lang]["body"] for content in notices.values() for lang in ("zh", "en")
    )

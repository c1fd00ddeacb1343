"""One spelling of names and numbers: at import, claim, sign-in, search and top-up."""

import pytest

from accounts import people
from accounts.people import spelling
from accounts.people_import.people_list import ListedPerson, parse
from accounts.vocabulary import Role

POINTS = ["·", "•", "‧", "∙", "⋅", "・", "･", "．", ".", "●"]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("blank", ["", " ", "\u3000"])
def test_every_point_of_a_name_is_the_same(point, blank):
    assert spelling.name(f"古丽{blank}{point}{blank}买买提") == "古丽·买买提"


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("Ａｌｅｘ　Ｗａｎｇ", "Alex Wang"),
        ("Alex  Wang ", "Alex Wang"),
        ("王\u3000芳", "王芳"),
        ("王\u200b芳\ufeff", "王芳"),
        ("J. Smith", "J. Smith"),
        ("Jose\u0301", "José"),
        ("欧阳\xa0娜娜", "欧阳娜娜"),
    ],
)
def test_a_name_is_spelt_one_way(typed, name):
    assert spelling.name(typed) == name


@pytest.mark.parametrize("typed", ["２０２６０００１", " 20260001", "2026\u200b0001", "\ufeff20260001\u3000"])
def test_a_number_is_spelt_one_way(typed):
    assert spelling.number(typed) == "20260001"


def test_control_characters_are_no_blanks():
    assert "\n" in spelling.name("a\nb")
    with pytest.raises(people.InvalidPersonError):
        people.Particulars(number="1", name="a\nb", kind="student", valid_from=None)


def test_an_account_is_found_however_number_and_name_are_typed(campus):
    row = parse(2, {"number": "２０２６０７７７", "name": "古丽 • 买买提", "kind": "student"}, campus.services.zone)
    assert isinstance(row, ListedPerson)
    with campus.database.begin() as session:
        made = people.create(session, row.particulars(None, campus.clock.now), by="system", now=campus.clock.now)
        assert (made.number, made.name) == ("20260777", "古丽·买买提")
        person_id = made.id
    campus.passwords(person_id, portal="my own sentence")
    for typed in ("20260777", "２０２６０７７７", " 20260777 ", "\u200b20260777"):
        form = {"grant_type": "password", "username": typed, "password": "my own sentence"}
        assert campus.client.post("/api/v1/tokens", data=form).status_code == 200
    headers = campus.as_person(campus.person().id, Role.CASHIER)
    for typed in ("古丽．买买提", "古丽・买", "２０２６０７７", "古丽 ∙ 买买提"):
        found = campus.client.get("/api/v1/people", params={"search": typed}, headers=headers).json()["items"]
        assert [one["number"] for one in found] == ["20260777"], typed
    with campus.database.read() as session:
        person = people.get(session, person_id)
        assert all(people.is_called(person, f"古丽{point}买买提") for point in POINTS)
        assert not people.is_called(person, "古丽买买提")
        person.name = "José Wang"
        assert all(people.is_called(person, typed) for typed in ("JOSÉ  WANG", "ｊｏｓé wang", "Jose\u0301 Wang"))
        assert not people.is_called(person, "Jose Wang")

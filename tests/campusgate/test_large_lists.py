"""The assembled server takes a list of thousands of people on its page, from an administrator alone."""

import pytest

from tests.campusgate.staffed import Staffed

LIST = b"number,name,kind\n" + b"".join(
    b"2026%06d,Somebody with a name %d,student\n" % (one, one) for one in range(10_000)
)


@pytest.mark.parametrize(("who", "status"), [("admin", 303), ("cashier", 403), ("anonymous", 401)])
def test_a_list_of_thousands_is_taken(office: Staffed, who: str, status: int) -> None:
    assert len(LIST) > 400_000
    answer = office.client.post(
        "/console/office/imports", files={"file": ("people.csv", LIST)}, headers=office.headers(who)
    )
    assert answer.status_code == status

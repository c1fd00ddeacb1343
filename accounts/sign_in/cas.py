"""CAS: sign-in by a ticket that the server validates (CAS Protocol 3.0, sections 2.1, 2.5 and 2.8).

Own lines rather than `python-cas`: that has no time-out, and takes a server that fails for a person who is refused. CAS
knows no state; here it is the last part of the service's address, so a ticket is good for the attempt alone that asked
for it. It stands in the path because some servers compare addresses without their query.
"""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import httpx
import structlog

from accounts.sign_in.identity_providers import Answer, Attempt, ProviderRefusedError, ProviderUnavailableError
from accounts.sign_in.provider_http import ProviderHttp

log = structlog.get_logger()

_NAMESPACE: Final = "{http://www.yale.edu/tp/cas}"
_OUTCOMES: Final = frozenset({f"{_NAMESPACE}authenticationSuccess", f"{_NAMESPACE}authenticationFailure"})
_TICKET: Final = re.compile(r"ST-[!-~]{1,253}")
"""Section 3.1.1: begins with `ST-`; services accept at least 32 characters, 256 is recommended."""
_OF_THE_TICKET: Final = frozenset({"INVALID_TICKET", "INVALID_TICKET_SPEC", "INVALID_SERVICE"})
"""Section 2.5.3: these say that the ticket is none; others, that the server or this registration is at fault."""


class CasProvider:
    """A CAS server, such as `https://ids.example.edu.cn/authserver`."""

    def __init__(
        self,
        *,
        address: str,
        redirect_uri: str,
        validation: str = "p3/serviceValidate",
        number_attribute: str | None = None,
        http: ProviderHttp | None = None,
    ) -> None:
        """Take where the server is and where it sends browsers back to.

        Args:
            address: of the server; `login` and the validation lie below it.
            redirect_uri: this server's own address; the state follows it.
            validation: the path that validates tickets; servers before CAS 3 have `serviceValidate`.
            number_attribute: the attribute with the person's number; None: the user's name is the number.
            http: the connection.
        """
        self._address = address.rstrip("/")
        self._redirect_uri = redirect_uri.rstrip("/")
        self._validation = validation.strip("/")
        self._number_attribute = number_attribute
        self._http = http or ProviderHttp("cas")

    def address(self, attempt: Attempt, *, browser: str) -> str:
        """Return the server's login address for one attempt."""
        del browser
        return f"{self._address}/login?{urlencode({'service': self._service(attempt.state)})}"

    def number(self, answer: Answer, attempt: Attempt) -> str:
        """Have a ticket validated; see `IdentityProvider.number`."""
        if _TICKET.fullmatch(answer.code) is None:
            raise ProviderRefusedError("this is no service ticket")
        success = self._validate(answer.code, attempt.state)
        if isinstance(success, str):
            if success in _OF_THE_TICKET:
                raise ProviderRefusedError("the CAS server does not know the ticket")
            log.warning("identity_provider_failed", provider="cas", why=success)
            raise ProviderUnavailableError(f"the CAS server answered {success}")
        numbers = set(_values(success, self._number_attribute))
        if len(numbers) != 1:
            wanted = self._number_attribute or "user"
            raise ProviderRefusedError(f"the CAS server names {len(numbers)} values of {wanted}, where one is needed")
        return numbers.pop()

    def check(self) -> str:
        """Ask for the form to sign in, and have a ticket validated that nobody has; see `IdentityProvider.check`."""
        how = f"register {self._redirect_uri}/… as a service there"
        form = self._http.ask("GET", f"{self._address}/login", params={"service": self._service("doctor")})
        if form.status >= httpx.codes.BAD_REQUEST:
            raise ProviderUnavailableError(f"the CAS server refuses to sign anybody in for this server; {how}")
        said = self._validate("ST-0-campusgate-doctor", "doctor")
        if said not in _OF_THE_TICKET - {"INVALID_SERVICE"}:
            answered = said if isinstance(said, str) else "that a made-up ticket is good"
            raise ProviderUnavailableError(f"the CAS server answered {answered}; {how}")
        return "validates tickets for this server"

    def _service(self, state: str) -> str:
        return f"{self._redirect_uri}/{state}"

    def _validate(self, ticket: str, state: str) -> ET.Element | str:
        """Return the success that the server reports, or the code of its failure."""
        given = {"service": self._service(state), "ticket": ticket}
        answer = self._http.ask("GET", f"{self._address}/{self._validation}", params=given)
        parts = _read(answer.content) if answer.status == httpx.codes.OK else []
        match [part for part in parts if part.tag in _OUTCOMES]:
            case [one] if one.tag.endswith("Success"):
                return one
            case [one]:
                return (one.get("code") or "").strip()[:40]
        raise ProviderUnavailableError("the CAS server's answer is not one of CAS")


def _read(content: bytes) -> list[ET.Element]:
    """Return the parts of a service response; a document that defines entities is none.

    Raises:
        ProviderUnavailableError: it is none.
    """
    try:
        text = content.decode()
        if "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise ValueError("a document type")
        root = ET.fromstring(text)  # noqa: S314 - without a document type there are no entities to expand
    except (ValueError, ET.ParseError) as error:
        raise ProviderUnavailableError("the CAS server's answer is not one of CAS") from error
    return list(root) if root.tag == f"{_NAMESPACE}serviceResponse" else []


def _values(success: ET.Element, attribute: str | None) -> Iterator[str]:
    """Yield the values of an attribute, or the user, as the usual servers write them; blank ones are none."""
    if attribute is None:
        found = [user.text for user in success.findall(f"{_NAMESPACE}user")]
    else:
        # As an element of its own name (Apereo), or with name and value (older JASIG servers).
        attributes = [one for part in success.findall(f"{_NAMESPACE}attributes") for one in part]
        found = [one.text for one in attributes if one.tag.rpartition("}")[2] == attribute]
        found += [one.get("value", one.text) for one in attributes if one.get("name") == attribute]
    yield from (text.strip() for text in found if text is not None and text.strip())

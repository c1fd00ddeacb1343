"""From settings to the university's identity providers."""

from accounts.sign_in.cas import CasProvider
from accounts.sign_in.identity_providers import ConnectedProvider
from accounts.sign_in.oidc import OidcProvider
from accounts.sign_in.wecom import WecomProvider
from accounts.sign_in.wecom_api import WecomApi
from accounts.sign_in.wecom_members import MemberEvents
from accounts.sign_in.wecom_messages import MessageCipher
from campusgate.settings import Settings, WecomSettings


def connect_identity_providers(settings: Settings) -> dict[str, ConnectedProvider]:
    """Return those whose settings are given, by name, in the order in which pages offer them; asks none of them."""
    connected = {}
    if (cas := settings.cas) is not None:
        connected["cas"] = ConnectedProvider(
            CasProvider(
                address=cas.address,
                redirect_uri=cas.redirect_uri,
                validation=cas.validation,
                number_attribute=cas.number_attribute,
            ),
            cas.kinds,
        )
    if (oidc := settings.oidc) is not None:
        connected["oidc"] = ConnectedProvider(
            OidcProvider(
                issuer=oidc.issuer,
                client_id=oidc.client_id,
                client_secret=oidc.client_secret.get_secret_value(),
                redirect_uri=oidc.redirect_uri,
                number_claim=oidc.number_claim,
                scope=oidc.scope,
                client_authentication=oidc.client_authentication,
            ),
            oidc.kinds,
        )
    if (wecom := settings.wecom) is not None:
        connected["wecom"] = ConnectedProvider(
            WecomProvider(
                make_wecom_api(wecom),
                corp_id=wecom.corp_id,
                agent_id=wecom.agent_id,
                redirect_uri=wecom.redirect_uri,
            ),
            wecom.kinds,
        )
    return connected


def make_member_events(wecom: WecomSettings | None) -> MemberEvents | None:
    """Return how messages about members are opened; None where the app receives none."""
    if wecom is None or wecom.message_token is None or wecom.message_key is None:
        return None
    token, key = wecom.message_token.get_secret_value(), wecom.message_key.get_secret_value()
    return MemberEvents(MessageCipher(token, key, wecom.corp_id), frozenset(wecom.kinds), wecom.on_leaving)


def make_wecom_api(wecom: WecomSettings) -> WecomApi:
    """Return the app of the campus in enterprise WeChat."""
    return WecomApi(corp_id=wecom.corp_id, secret=wecom.secret.get_secret_value(), address=wecom.address)

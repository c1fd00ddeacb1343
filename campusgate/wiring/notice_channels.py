"""From settings to the channels that bring notices to people outside the pages."""

from campusgate.settings import MailSettings, Settings
from campusgate.wiring.identity_providers import make_wecom_api
from enrollment.channels.mail import MailChannel
from enrollment.channels.port import Channel
from enrollment.channels.webhook import WebhookChannel
from enrollment.channels.wecom import WecomChannel
from web.mail import MailServer


def make_mail_server(mail: MailSettings) -> MailServer:
    """Return the campus's mail server."""
    password = mail.password.get_secret_value() if mail.password else None
    return MailServer(mail.host, mail.port, mail.username, password, mail.starttls)


def make_notice_channels(settings: Settings) -> list[Channel]:
    """Return the channels that bring notices about photos, beside the inbox."""
    chosen, mail = settings.enrollment, settings.alarms.mail
    found: list[Channel] = []
    if chosen.mail_address is not None and mail is not None:
        found.append(MailChannel(make_mail_server(mail), mail.sender, chosen.mail_address))
    if chosen.webhook_url is not None and chosen.webhook_secret is not None:
        found.append(WebhookChannel(chosen.webhook_url, chosen.webhook_secret.get_secret_value().encode()))
    if chosen.by_wecom and (wecom := settings.wecom) is not None:
        found.append(WecomChannel(make_wecom_api(wecom), wecom.agent_id))
    return found

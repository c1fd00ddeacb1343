"""Settings of the alarms, and of the people and services that are notified of them."""

from datetime import timedelta

from pydantic import BaseModel, Field, SecretStr

from campusgate.settings.webhook import WebhookSettings


class MailSettings(BaseModel):
    """The campus's mail server, and who is written to of alarms."""

    host: str
    port: int = Field(default=587, ge=1, le=65535)
    username: str | None = None
    password: SecretStr | None = None
    starttls: bool = True
    sender: str
    recipients: list[str] = Field(min_length=1)
    wardens: list[str] = Field(default=[], description="are written to at once of returns and exits within a curfew")


class AlarmSettings(WebhookSettings):
    """From when on a condition is an alarm, and who is notified when nobody acknowledges one."""

    offline_after: timedelta = timedelta(seconds=60)
    lag_after: timedelta = timedelta(seconds=60)
    escalate_after: timedelta = timedelta(minutes=5)
    webhook_after: timedelta = Field(default=timedelta(0), description="0: told of every alarm at once")
    mail: MailSettings | None = None

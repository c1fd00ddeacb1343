"""Settings of enrolment: photos, templates, consent, and how people are notified."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from campusgate.settings.embedder_name import EmbedderName
from campusgate.settings.webhook import WebhookSettings


class EnrollmentSettings(WebhookSettings):
    """Photos and templates: which rules apply, and how long what is kept. The webhook gets each notice."""

    limits_file: Path | None = Field(default=None, description="TOML file with other limits for the photo rules")
    consent_version: str = Field(
        default="3", min_length=1, max_length=32, description="names the notice in force; a new one asks everybody anew"
    )
    gate_photos: bool = Field(
        default=False,
        description="take a second photo at a gate, after card and face, of whoever consented to exactly that",
    )
    gate_photo_version: str = Field(
        default="1", min_length=1, max_length=32, description="names the notice about photos at gates in force"
    )
    photos_a_day: int = Field(default=20, ge=1, description="photos that one person may hand in within 24 hours")
    keep_pictures: bool = Field(default=False, description="keep approved photos' pictures, for another face model")
    keep_thumbnails: bool = Field(default=True, description="keep small ones, for comparison with look-alikes")
    keep_rejected: timedelta = timedelta(days=30)
    keep_after_leaving: timedelta = timedelta(days=7)
    keep_notices: timedelta = timedelta(days=365)
    next_embedder: EmbedderName | None = Field(
        default=None, description="the embedder the campus moves to: photos handed in get its templates too"
    )
    by_wecom: bool = Field(
        default=False, description="notices go to members of enterprise WeChat, by the app of `wecom`"
    )
    mail_address: str | None = Field(
        default=None, pattern=r"^[^@\s]*\{number\}[^@\s]*@[^@\s]+$", description="of everyone: {number}@campus.example"
    )

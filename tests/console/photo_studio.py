"""A server with real face models behind its pages, real portraits to hand in, and a clock that can be set ahead."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from uuid import UUID

import cv2
import numpy as np
from PIL import Image
from sqlalchemy import select

from accounts.vocabulary import Role
from campusgate.demo.portraits import portrait
from database import Database
from enrollment import consent, decisions, notices, photos, upload
from enrollment.assessment import Assessment, assess, embed_all
from enrollment.eye_state import EyeState
from enrollment.person_mask import PersonMask
from enrollment.quality import Checker
from enrollment.services import EnrollmentServices
from enrollment.tables import PhotoRecord
from models.engine import FaceEngine
from models.store import ModelStore
from operations.board import Board
from tests.console.page_server import SEALER, Pages, hire, serve

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
DESK = {"viewport": {"width": 1440, "height": 900}}


def make_portraits(engine: FaceEngine, photographs: dict[str, Path]) -> dict[str, bytes]:
    """Portraits by what they are good for; `flawless` keeps every rule, `good` every required one."""
    good, other, flawless = (portrait(engine, photographs[name]) for name in ("wang", "stranger", "li"))
    pixels = np.asarray(good)
    blurred = Image.fromarray(cv2.GaussianBlur(pixels, (0, 0), pixels.shape[1] / 80))
    pair = Image.new("RGB", (2 * good.width, good.height))
    pair.paste(good, (0, 0))
    pair.paste(other.resize(good.size), (good.width, 0))
    pictures = {
        "good": good,
        "again": portrait(engine, photographs["wang-again"]),
        "flawless": flawless,
        "grey": other.convert("L"),
        "two faces": pair,
        "blurred": blurred,
    }
    return {name: _jpeg(picture) for name, picture in pictures.items()}


def _jpeg(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=95)
    return stream.getvalue()


@dataclass
class Studio:
    """The pages and what stands behind them. People are numbered; every one has the password of the tests."""

    console: Pages
    enrollment: EnrollmentServices
    portraits: dict[str, bytes] = field(repr=False)
    ahead: timedelta = timedelta(0)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _assessed: dict[str, Assessment] = field(default_factory=dict, repr=False)

    @property
    def url(self) -> str:
        return self.console.url

    def person(self, name: str, *roles: Role, must_change: bool = False) -> tuple[str, UUID]:
        """Open an account; returns its number and id."""
        number = f"N{next(self._numbers):03}"
        accounts = self.console.app.state.console.accounts
        return number, hire(self.console.database, accounts, number, name, *roles, must_change=must_change)

    def agree(self, person_id: UUID) -> None:
        """Give the person's consent."""
        with self.console.database.begin() as session:
            consent.give(session, person_id, "3", {}, present="3", by="test", now=datetime.now(UTC))

    def hand_in(self, person_id: UUID, picture: str, *, ask: bool = False) -> UUID:
        """Hand in a portrait as the API does; with `ask`, bring it before a reviewer all the same."""
        self.agree(person_id)
        services, now = self.enrollment, datetime.now(UTC)
        if picture not in self._assessed:
            self._assessed[picture] = assess(self.portraits[picture], services.engine, services.checker)
        assessment = self._assessed[picture]
        with services.database.begin() as session:
            found = upload.identify(session, SEALER, person_id, assessment.templates, models=services.compared_models)
            photo = upload.store(
                session, SEALER, person_id, assessment, found, by="test", now=now, uploaded_by=person_id
            )
            if ask and assessment.photo is not None:
                upload.ask_for_review(
                    session,
                    SEALER,
                    photo,
                    embed_all(assessment.photo, list(assessment.faces), (services.engine,)),
                    models=services.compared_models,
                    by="test",
                    now=now,
                )
            return photo.id

    def approve(self, photo_id: UUID) -> None:
        """Approve a photo that waits, as a reviewer does."""
        with self.console.database.begin() as session:
            photo, now = photos.get(session, photo_id), datetime.now(UTC)
            decisions.approve(session, photo, by="test", now=now)
            notices.write_decision_notice(session, photo, now=now)

    def state(self, photo_id: UUID) -> str:
        """Where a photo stands."""
        with self.console.database.read() as session:
            return photos.get(session, photo_id).state

    def clear(self) -> None:
        """Take every photo away, and set the clock right."""
        self.ahead = timedelta(0)
        with self.console.database.begin() as session:
            for person_id in session.scalars(select(PhotoRecord.person_id).distinct()).all():
                photos.withdraw_all(session, person_id, by="test", now=datetime.now(UTC), why="test")


@contextmanager
def open_studio(
    database: Database, engine: FaceEngine, store: ModelStore, portraits: dict[str, bytes]
) -> Iterator[Studio]:
    """Serve the pages over `database`."""
    mask, eyes = PersonMask(store.path("selfie-segmenter")), EyeState(store.path("fr-eye"))
    checker = Checker(engine, person_finder=mask, eye_reader=eyes)
    enrollment = EnrollmentServices(database, SEALER, engine, checker, gate_photo_version="1")
    made: list[Studio] = []

    def now() -> datetime:
        return datetime.now(UTC) + (made[0].ahead if made else timedelta(0))

    with serve(database, Board(), None, enrollment, now=now) as console:
        made.append(Studio(console, enrollment, portraits))
        yield made[0]

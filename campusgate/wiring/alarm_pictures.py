"""From settings to the pictures of alarms."""

from campusgate.settings import AlarmPictureSettings
from database import Sealer
from operations.alarms.pictures import AlarmPictures, PictureRules


def make_alarm_pictures(settings: AlarmPictureSettings, sealer: Sealer) -> AlarmPictures:
    """Return what takes, shows and erases pictures by the rules of the campus."""
    rules = PictureRules(gates=frozenset(settings.gates), kinds=frozenset(settings.kinds), keep=settings.keep)
    return AlarmPictures(sealer, rules)

"""Settings of every process, read once at the rim from the environment (`CAMPUSGATE_…`) and an optional TOML file.

Rooms never read the environment: they take values as arguments. Secrets have no defaults; a process that needs one
calls `require`, which names the variable and how to make a value. The nested settings of a room have its file's name.
"""

from campusgate.settings.accounts import (
    CardCentreSettings,
    CeilingSettings,
    MealSettings,
    PhoneCodeSettings,
    SpendingSettings,
)
from campusgate.settings.alarm_pictures import AlarmPictureSettings
from campusgate.settings.bus import MqttSettings
from campusgate.settings.enrollment import EnrollmentSettings
from campusgate.settings.errors import SettingsError
from campusgate.settings.meters import MeterSettings
from campusgate.settings.operations import AlarmSettings, MailSettings
from campusgate.settings.process import Settings
from campusgate.settings.sign_in import CasSettings, OidcSettings, WecomSettings
from campusgate.settings.supply import SupplySettings
from campusgate.settings.visitors import VisitorSettings

__all__ = [
    "AlarmPictureSettings",
    "AlarmSettings",
    "CardCentreSettings",
    "CasSettings",
    "CeilingSettings",
    "EnrollmentSettings",
    "MailSettings",
    "MealSettings",
    "MeterSettings",
    "MqttSettings",
    "OidcSettings",
    "PhoneCodeSettings",
    "Settings",
    "SettingsError",
    "SpendingSettings",
    "SupplySettings",
    "VisitorSettings",
    "WecomSettings",
]

"""From settings to how long photos and what belongs to them are kept."""

from campusgate.settings import Settings
from enrollment.retention import RetentionPolicy


def make_retention_policy(settings: Settings) -> RetentionPolicy:
    """Return the policy that the settings describe."""
    chosen = settings.enrollment
    return RetentionPolicy(
        rejected_photos=chosen.keep_rejected,
        after_leaving=chosen.keep_after_leaving,
        notices=chosen.keep_notices,
        keep_pictures=chosen.keep_pictures,
        keep_thumbnails=chosen.keep_thumbnails,
    )

"""What enrolment keeps sealed: the columns that a change of keys must go through."""

from database.resealing import SealedColumn
from enrollment import photos, templates
from enrollment.tables import PhotoImage, PhotoThumbnail, TemplateRecord

SEALED = (
    SealedColumn(TemplateRecord.id, TemplateRecord.sealed, templates.context),
    SealedColumn(PhotoThumbnail.photo_id, PhotoThumbnail.sealed, photos.thumbnail_context),
    SealedColumn(PhotoImage.photo_id, PhotoImage.sealed, photos.context),
)

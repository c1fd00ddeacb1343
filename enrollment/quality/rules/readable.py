"""Readable: the file is a whole image of a kind and size that is taken. Decided by `enrollment.photo`."""

from enrollment.photo import MAX_BYTES, MAX_PIXELS, MIN_SIDE, Unreadable
from enrollment.quality.report import Advice

READABLE = "readable"

_MEGABYTES = MAX_BYTES // 1_048_576
_MEGAPIXELS = MAX_PIXELS // 1_000_000

_ADVICE = {
    Unreadable.MISSING: Advice("找不到文件，请检查路径。", "The file is missing; check its path."),
    Unreadable.EMPTY: Advice("文件是空的，请重新选择照片。", "The file is empty; choose the photo again."),
    Unreadable.TOO_LARGE: Advice(
        f"文件超过 {_MEGABYTES} MB，请上传较小的照片。",
        f"The file is larger than {_MEGABYTES} MB; send a smaller copy.",
    ),
    Unreadable.TOO_MANY_PIXELS: Advice(
        f"图像太大（JPEG 最多 {_MEGAPIXELS} 百万像素，其他格式更少），请缩小后再上传，或另存为普通 JPEG。",
        f"The image is too large (a JPEG may have {_MEGAPIXELS} million pixels, other kinds fewer); "
        "send a smaller copy, or save it as a plain JPEG.",
    ),
    Unreadable.TOO_SMALL: Advice(
        f"图像边长不足 {MIN_SIDE} 像素，请上传更大的照片。",
        f"The image is less than {MIN_SIDE} pixels wide or high; send a larger photo.",
    ),
    Unreadable.NOT_AN_IMAGE: Advice(
        "这不是 JPEG、PNG、WebP 或 HEIC 照片，请换一张。",
        "This is no JPEG, PNG, WebP or HEIC photo; choose another file.",
    ),
    Unreadable.DAMAGED: Advice(
        "照片文件已损坏或不完整，请重新选择或重新拍摄。",
        "The photo is damaged or cut off; choose it again or take a new one.",
    ),
}


def explain(reason: Unreadable) -> Advice:
    """Return what to do about an unreadable photo."""
    return _ADVICE[reason]

"""Why a photo is rejected: the rules' own names, and what only a person can see."""

from enrollment.quality import Advice
from enrollment.quality.rules import RULES

UNLIKE_FIRST = "unlike_first"

_BY_EYE = {
    "another_person": Advice("照片不是本人，请上传本人照片。", "The photo shows another person; send one of yourself."),
    UNLIKE_FIRST: Advice(
        "第二张照片与第一张不像同一个人，请另拍一张，或更换第一张照片。",
        "The second photo is not like the first one: take another, or replace the first one.",
    ),
    "known_under_another_account": Advice(
        "这张面孔已用于另一个账户，请到卡务中心核实。",
        "This face belongs to another account; come to the card centre with an ID document.",
    ),
    "picture_of_a_picture": Advice(
        "请直接拍摄本人，不要翻拍照片或屏幕。", "Photograph yourself, not a print or a screen."
    ),
    "headwear": Advice("请摘下帽子后重拍。", "Take off your hat and take the photo again."),
    "other": Advice("请见审核说明。", "See the reviewer's note."),
}

_RULES = {
    "one_face": Advice("照片中应只有本人一人。", "Only you should be in the picture."),
    "head_in_picture": Advice("请让整个头部都在画面中。", "Keep the whole head in the picture."),
    "framing": Advice("头和肩膀应占画面的三分之二。", "Head and shoulders fill two thirds of the picture."),
    "frontal": Advice("请正对镜头。", "Face the camera."),
    "unobstructed": Advice("五官不得遮挡。", "Nothing may cover the face."),
    "eyes_open": Advice("请睁开双眼。", "Open both eyes."),
    "colour": Advice("请使用自然的彩色照片。", "Use a photo in natural colours."),
    "exposure": Advice("请在合适的光线下重拍。", "Take it again in better light."),
    "even_light": Advice("请避免侧光。", "Avoid light from the side."),
    "sharp": Advice("照片模糊，请重拍。", "The photo is blurred; take it again."),
    "background": Advice("请使用纯色背景。", "Use a plain background."),
    "beautified": Advice("请勿使用美颜或滤镜。", "Do not use beautifying or filters."),
}

REASONS: dict[str, Advice] = {
    **{rule.name: _RULES[rule.name] for rule in RULES if rule.name in _RULES},
    **_BY_EYE,
}
"""Advice by reason, in the order in which a reviewer chooses."""

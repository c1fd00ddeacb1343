"""The words of the pages, in Chinese and English. A page is written with keys; the reader's browser decides."""

from collections.abc import Callable

Translate = Callable[[str], str]

_TEXTS: dict[str, tuple[str, str]] = {
    "board": ("门禁看板", "Gates"),
    "gate": ("门", "Gate"),
    "gates": ("所有门", "All gates"),
    "sign_in": ("登录", "Sign in"),
    "sign_out": ("退出", "Sign out"),
    "number": ("学号/工号", "Student or staff number"),
    "password": ("密码", "Password"),
    "sign_in_failed": (
        "号码或密码不正确，或暂时锁定。",
        "Number or password is wrong, or sign-in is locked for a while.",
    ),
    "not_allowed": ("此页面仅供值班人员使用。", "This page is for facilities staff."),
    "passages": ("最近事件", "Last events"),
    "time": ("时间", "Time"),
    "event": ("事件", "Event"),
    "person": ("人员", "Person"),
    "method": ("方式", "By"),
    "reason": ("原因", "Reason"),
    "latency": ("延迟", "Latency"),
    "controller": ("控制器", "Controller"),
    "camera_node": ("识别节点", "Edge"),
    "connecting": ("正在连接…", "Connecting…"),
    "live": ("实时", "Live"),
    "lost": ("连接中断，正在重连…", "Connection lost, trying again…"),
    "no_gates": ("还没有任何门上线。", "No gate has been heard of yet."),
    "no_events": ("还没有事件。", "Nothing has happened yet."),
    "historical": ("补传", "sent late"),
    "door.locked": ("已上锁", "Locked"),
    "door.granted": ("已放行", "Granted"),
    "door.open": ("已打开", "Open"),
    "door.held": ("超时未关", "Held open too long"),
    "door.forced": ("强行打开", "Forced open"),
    "door.held_open": ("常开", "Held open"),
    "door.always_closed": ("常闭", "Always closed"),
    "door.lockdown": ("封锁", "Lockdown"),
    "door.fire_open": ("消防打开", "Opened by fire alarm"),
    "door.unknown": ("未知", "Unknown"),
    "presence.online": ("在线", "online"),
    "presence.stopped": ("已停止", "stopped"),
    "presence.offline": ("离线", "offline"),
    "method.face": ("人脸", "face"),
    "method.card": ("卡", "card"),
    "method.code": ("码", "code"),
    "method.staff": ("值班人员", "staff"),
}

LANGUAGES = {"zh": 0, "en": 1}


def language(accept_language: str | None) -> str:
    """Return the first language of an Accept-Language header that the pages are written in; Chinese when none is."""
    for part in (accept_language or "").split(","):
        tag = part.split(";")[0].strip().lower().split("-")[0]
        if tag in LANGUAGES:
            return tag
    return "zh"


def translator(chosen: str) -> Translate:
    """Return the function that gives a key's text in `chosen`; an unknown key comes back readable."""
    index = LANGUAGES[chosen]

    def translate(key: str) -> str:
        texts = _TEXTS.get(key)
        return texts[index] if texts else key.rsplit(".", 1)[-1].replace("_", " ")

    return translate


def for_scripts(chosen: str) -> dict[str, str]:
    """Return every text in `chosen`, for the page's script."""
    index = LANGUAGES[chosen]
    return {key: texts[index] for key, texts in _TEXTS.items()}

"""Topic filters of MQTT 3.1.1 (section 4.7): what they match, and which filter lies within another."""


def matches(topic_filter: str, topic: str) -> bool:
    """Tell whether `topic` (without wildcards) is matched by `topic_filter`."""
    return covers(topic_filter, topic)


def covers(wide: str, narrow: str) -> bool:
    """Tell whether every topic matched by the filter `narrow` is matched by the filter `wide` too.

    >>> covers("a/#", "a/+/c"), covers("a/+", "a/#")
    (True, False)
    """
    wide_levels, narrow_levels = wide.split("/"), narrow.split("/")
    if narrow.startswith("$") and wide_levels[0] in {"+", "#"}:
        return False
    for index, level in enumerate(wide_levels):
        if level == "#":
            return True
        if index >= len(narrow_levels):
            return False
        other = narrow_levels[index]
        if other == "#" or level not in {"+", other}:
            return False
    return len(narrow_levels) == len(wide_levels)

"""Topics and the patterns under which they are heard, as MQTT has them (3.1.1, section 4.7)."""

from functools import lru_cache

TOPIC_BYTES_MAX = 65_535


def topic_problem(topic: str) -> str:
    """Say why nothing can be published under a topic; nothing where it can.

    >>> topic_problem("a/b"), topic_problem("a/+")
    ('', "'a/+' holds a wildcard")
    """
    if "+" in topic or "#" in topic:
        return f"{topic[:80]!r} holds a wildcard"
    return _text_problem(topic)


def pattern_problem(pattern: str) -> str:
    """Say why a pattern is none; nothing where it is one.

    >>> pattern_problem("a/+/#"), pattern_problem("a/b+")
    ('', "a wildcard in 'a/b+' is not a level of its own")
    """
    levels = pattern.split("/")
    if any(len(level) > 1 and ("+" in level or "#" in level) for level in levels):
        return f"a wildcard in {pattern[:80]!r} is not a level of its own"
    if "#" in levels[:-1]:
        return f"# in {pattern[:80]!r} is not the last level"
    return _text_problem(pattern)


@lru_cache(maxsize=4096)
def matches(pattern: str, topic: str) -> bool:
    """Say whether a topic is heard under a pattern that is one.

    >>> [matches(p, "a/b/c") for p in ("a/+/c", "a/#", "a/b/c/#", "+/+", "#")]
    [True, True, True, False, True]
    """
    asked, told = pattern.split("/"), topic.split("/")
    if told[0].startswith("$") and asked[0] in ("+", "#"):
        return False  # a broker's own topics are heard only by name
    for at, level in enumerate(asked):
        if level == "#":
            return True
        if at >= len(told) or level not in ("+", told[at]):
            return False
    return len(asked) == len(told)


def _text_problem(text: str) -> str:
    """What no topic and no pattern can be."""
    if not text:
        return "an empty topic"
    if "\0" in text:
        return f"a zero character in {text[:80]!r}"
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return f"{text[:80]!r} is no text"
    if size > TOPIC_BYTES_MAX:
        return f"a topic of {size} bytes, more than {TOPIC_BYTES_MAX}"
    return ""

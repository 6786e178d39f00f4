"""Counted nouns in messages."""

_IRREGULAR = {"half": "halves", "match": "matches"}


def count_text(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count_text(1, "label"), count_text(0, "match"), count_text(2, "labelled half")
    ('1 label', '0 matches', '2 labelled halves')
    """
    return f"{number} {noun if number == 1 else plural_of(noun)}"


def plural_of(noun: str) -> str:
    """Return the plural of a noun, which may have words before it.

    >>> plural_of("file of settings"), plural_of("box"), plural_of("entry")
    ('files of settings', 'boxes', 'entries')
    """
    head, _, rest = noun.partition(" of ")
    if rest:
        return f"{plural_of(head)} of {rest}"
    first, _, last = head.rpartition(" ")
    if last in _IRREGULAR:
        plural = _IRREGULAR[last]
    elif last.endswith(("s", "x", "ch", "sh")):
        plural = f"{last}es"
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        plural = f"{last[:-1]}ies"
    else:
        plural = f"{last}s"
    return f"{first} {plural}" if first else plural

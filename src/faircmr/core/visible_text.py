"""Which characters of a text can be seen, and the code of one that cannot: ``<U+200B>``."""

from __future__ import annotations

import unicodedata

_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that Python takes for printable and that show nothing."""
_VARIANTS = (("\ufe00", "\ufe0f"), ("\U000e0100", "\U000e01ef"))
"""First and last of the characters that choose a form of the one before them."""
_CHANGES_OF_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LAST_TWO_OF_A_PLANE = 0xFFFE


def code_of(sign: str) -> str:
    """A character as its code."""
    return f"<U+{ord(sign):04X}>"


def is_visible(sign: str) -> bool:
    """Whether a reader can see a character; of blanks, only the plain one counts."""
    is_variant = any(first <= sign <= last for first, last in _VARIANTS)
    return sign.isprintable() and not is_variant and sign not in _UNSEEN


def visible_text(text: str) -> str:
    """Sentences without what acts on a terminal or is no XML: it is shown as codes. Line breaks and tabs stay."""
    if text.isprintable():
        return text
    return "".join(code_of(sign) if _acts(sign) else sign for sign in text)


def _acts(sign: str) -> bool:
    """Whether it is a control character, changes the direction of writing, or is not a character at all."""
    if sign in "\n\t":
        return False
    is_none = unicodedata.category(sign) in {"Cc", "Cs"} or ord(sign) & _LAST_TWO_OF_A_PLANE == _LAST_TWO_OF_A_PLANE
    return is_none or sign in _CHANGES_OF_DIRECTION

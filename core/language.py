"""Whether a conversation is in a language that the model reads: how many of its words are common English ones.

Leans on the lists of `core.language_words`. Words are counted, message by message, and the sums over a pair's last
messages decide (`core.scorer`). An identifier of whole texts was tried and left: it is wrong about single messages one
time in four, only sums are kept here and no text, and py3langid, the best small one, costs 30 microseconds a message, a
second to load and 100 MB. A look-up in a few lists costs next to nothing once a chunk is remembered, and of the
research corpora's pairs that it calls unread, py3langid agreed about nine in ten once it saw all their text.

- Both sides need evidence: many English chats hold few common words (names, commands, logs), so the absence of English
  alone says nothing. A language without a list and without a script of its own is therefore scored as before.
- Numbers, links, emoji and laughter belong to every language, and count as words of none.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from core import language_words

_SCRIPTS = {
    "CYRILLIC": "ru",
    "GREEK": "el",
    "HEBREW": "he",
    "ARABIC": "ar",
    "DEVANAGARI": "hi",
    "BENGALI": "bn",
    "TAMIL": "ta",
    "TELUGU": "te",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
    "THAI": "th",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
    "CJK": "zh",
}
"""First word of a letter's Unicode name -> the language that is mostly written so; any other script is `OTHER`."""
_UNSPACED = {"th", "ja", "zh"}
"""Written without spaces: two letters count as a word."""
_OF_ONE_LANGUAGE = {**dict.fromkeys("іїєґ", "uk"), **dict.fromkeys("پچژگ", "fa"), **dict.fromkeys("ٹڈڑے", "ur")}
"""Letters that tell a language from its script's most common one."""
OTHER = "other"
WORDS_A_HIT = 4
"""Words that one everyday word of a language can speak for: a single one in a pasted log is an accident."""
NAMES = {
    "es": "Spanish", "pt": "Portuguese", "fr": "French", "de": "German", "it": "Italian", "nl": "Dutch", "pl": "Polish",
    "tr": "Turkish", "sv": "Swedish", "da": "Danish or Norwegian", "fi": "Finnish", "ro": "Romanian",
    "cs": "Czech or Slovak", "hu": "Hungarian", "hr": "Croatian or Serbian", "id": "Indonesian or Malay",
    "tl": "Tagalog", "vi": "Vietnamese", "ru": "Russian", "uk": "Ukrainian", "el": "Greek", "he": "Hebrew",
    "ar": "Arabic", "fa": "Persian", "ur": "Urdu", "hi": "Hindi", "bn": "Bengali", "ta": "Tamil", "te": "Telugu",
    "ka": "Georgian", "hy": "Armenian", "th": "Thai", "ko": "Korean", "ja": "Japanese", "zh": "Chinese",
    OTHER: "another language",
}  # fmt: skip
"""For people."""


ENGLISH = frozenset(language_words.ENGLISH.split())
TONGUES: dict[str, tuple[str, ...]] = {}
"""Word -> the languages that it is an everyday word of; none is in `ENGLISH`."""
for _language, _words in language_words.EVERYDAY.items():
    for _word in _words.split():
        TONGUES[_word] = (*TONGUES.get(_word, ()), _language)


def balance(token: str) -> int:
    """Count a canonical token for English: 1 a common English word, below 0 a word of another language, 0 neither.

    A word in another script counts as one word; where a script has no spaces, as one for every two letters.

    >>> [balance(token) for token in ("the", "pero", "привет", "今日は", "12", "pizza", "<url>")]
    [1, -1, -1, -2, 0, 0, 0]
    """
    if token in ENGLISH:
        return 1
    if token in TONGUES:
        return -1
    if token.isascii() or not (languages := languages_of(token)):
        return 0
    return -((len(token) + 1) // 2) if languages[0] in _UNSPACED else -1


def languages_of(token: str) -> tuple[str, ...]:
    """Name the languages that a canonical token tells of; () where it tells nothing.

    >>> languages_of("привет"), languages_of("gracias"), languages_of("pizza"), languages_of("café")
    (('ru',), ('es',), (), ())
    """
    if token.isascii() or token in TONGUES:
        return TONGUES.get(token, ())
    script = unicodedata.name(token[0], "").partition(" ")[0]
    if not token[0].isalpha() or script == "LATIN":
        return ()
    return (next((_OF_ONE_LANGUAGE[c] for c in token if c in _OF_ONE_LANGUAGE), _SCRIPTS.get(script, OTHER)),)


def foreign(tokens: list[str]) -> tuple[int, str]:
    """Count the words of a message that is mostly not English, and name the language that most of them tell of.

    >>> foreign(["hola", "que", "haces", "hoy", "🙂", "?"])
    (4, 'es')
    """
    told: dict[str, int] = {}
    for token in tokens:
        for language in languages_of(token):
            told[language] = told.get(language, 0) + 1
    words = sum(max(1, -balance(token)) for token in tokens if token[0].isalpha())
    return min(words, WORDS_A_HIT * -sum(map(balance, tokens))), max(told, key=told.__getitem__)


def by_language(languages: Mapping[str, int]) -> str:
    """Name languages, the most frequent first.

    >>> by_language({"fr": 1, "es": 2})
    'Spanish (2), French (1)'
    """
    ordered = sorted(languages.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{NAMES.get(language, language)} ({number:,})" for language, number in ordered)

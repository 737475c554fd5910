"""From text as typed to canonical tokens: the same words, however they were dressed up.

Leans on `core.respell` for slips of the keyboard. `split` cuts a message into chunks at whitespace; `chunk_tokens`
makes a chunk's tokens and is a pure function of the chunk, so that whoever calls it can remember the answer (chat is
Zipfian). `tokens` is the two together, and `normalise` the same with offsets into the original, for explanations only.

Decisions:

- Look-alike letters are folded only inside a token that mixes scripts: folding whole strings destroys Russian.
- Leet is read only between letters ("h0w", "p@rents"), because digits at the edge mean something: "15f", "m8", "10pm".
- A letter three or more times is one letter at the end of a word and two inside it: people stretch the last letter of
  any word ("heyyy", "sooo"), and inside a word mostly the one that is double already ("cooool", "sweeeet").
- Beyond words, these tokens stand for themselves: ``?``, ``"``, ``$`` (any currency), ``<url>``, ``<email>``, and every
  emoji that does not stand for a word; the common emoticons become their emoji.
- Whom a platform's own mention names ("<@" and a number) says whom a message is aimed at, and nothing else: in the
  research data only ordinary servers have such, and a model that saw them would take whoever mentions somebody for
  harmless. What merely looks like one is read: "@" before every word must not hide them.
- A word longer than `LONGEST` characters is cut into several, so no feature and no memo key grows with the input.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise
from typing import NamedTuple

from core.respell import EMOJI_WORDS, MEANT, WORDS, undigited, unstretched

LONGEST = 40
"""Characters of a token."""
MAPPED = 256
"""A chunk with non-ASCII characters longer than this is explained as a whole: exact offsets cost its length squared."""

_MARKS = "\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0963\u0966-\u0dff\u0e30-\u0e4e\u1000-\u109f"
"""Vowel signs that Python's ``\\w`` leaves out but that stand inside words (Hebrew, Arabic, Indic, Thai, Burmese)."""

_EMAIL = r"(?P<email>[\w.+-]{1,64}@[\w-]{1,63}\.[a-z][\w.-]*) |"
_TOKEN = rf"""
    (?P<kept><(?:url|email)>)
  | {_EMAIL}
    (?P<url>(?:[a-z][a-z0-9+.-]{{1,15}}://|www\.)\S+
      | (?:[\w-]{{1,63}}\.){{1,4}}(?:com|net|org|edu|gov|gg|io|tv|ly)(?!\w)(?:/\S*)?
      | (?:[\w-]{{1,63}}\.){{1,4}}(?:me|co|uk|us|be|de|fr|ru|app|link|xyz)/\S+)
  | (?P<mention><mention>|<(?:@[!&]?|\#)\d{{5,}}>)
  | <a?:(?P<emote>\w{{1,64}}):\d{{1,24}}>
  | (?P<face>[:;=]-?(?:[()\[\]{{}}/\\|*]+|[dpox](?!\w))|<3+(?!\w))
  | (?P<spelled>[^\W\d_](?:\.[^\W\d_])+(?![\w{_MARKS}])|[^\W\d_](?:[-_/*~|.][^\W\d_]){{2,}}(?![\w{_MARKS}]))
  | (?P<word>(?:\$(?=[a-z]{{2}}))?(?:[^\W_]|[{_MARKS}])(?:[^\W_]|[{_MARKS}]|(?<=[a-z])@(?=[a-z])|(?<=[a-z$])\$(?!\d))*)
  | (?P<question>\?+)
  | (?P<quote>"+)
  | (?P<symbol>[$]|[^\x00-\x7f\s])
    """
_SCAN = re.compile(_TOKEN, re.VERBOSE)
_SCAN_NO_EMAIL = re.compile(_TOKEN.replace(_EMAIL, ""), re.VERBOSE)
"""For text without "@": looking for addresses at every letter would take more than half of the time."""
_FIXED = {"url": "<url>", "email": "<email>", "question": "?", "quote": '"'}
_MOUTHS = {
    **dict.fromkeys(")]}", "🙂"),
    **dict.fromkeys("([{", "🙁"),
    **dict.fromkeys("/\\|", "😕"),
    "*": "😘",
    "x": "😘",
    "d": "😀",
    "p": "😛",
    "o": "😮",
    "3": "❤",
}

_ODD = {
    **dict.fromkeys(map(ord, "\u2018\u2019\u02bc\u02b9\u2032\u00b4\uff07`"), "'"),
    **dict.fromkeys(map(ord, "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033\uff02\u300c\u300d"), '"'),
    **dict.fromkeys(map(ord, "£€¥₹"), "$"),
    **dict.fromkeys(range(0x300, 0x370), None),  # combining marks left over: NFKC has composed the ordinary ones
    **dict.fromkeys(range(0x20D0, 0x2100), None),
    **dict.fromkeys(range(0xFE00, 0xFE10), None),  # variation selectors
    **dict.fromkeys(range(0x1F3FB, 0x1F400), None),  # skin tones
    **{0x1F150 + at + row: chr(97 + at) for at in range(26) for row in (0, 32)},  # letters in black circles and boxes
    **dict.fromkeys((0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800), None),  # letters that show nothing
    ord("؟"): "?",
}
_APOSTROPHE = re.compile(r"(?<!\d)'|'(?!\d)")

# Own table of the look-alikes in use: Cyrillic, then Greek, then phonetic letters.
_LOOKALIKES = str.maketrans(
    "авеёзкмнорстухіјѕԁһԛԝґєпбьіїαβγεηικνορτυχωϲϳɑɡɩıⅼ",
    "abee3kmhopctyxijsdhqwrenbbiiabyenikvoptuxwcjagiil",
)
_SMALL_CAPITALS = str.maketrans("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz")
_FLAG_LETTERS = re.compile("[\U0001f1e6-\U0001f1ff]{3,}")
"""Letters that two by two are flags; a flag stays one, more than two in a row spell a word."""
_OTHER_SCRIPT = re.compile(r"[\u0370-\u03ff\u0400-\u052f\u0250-\u02af\u0131\u217c]")

_LEET = re.compile(
    r"(?<=[a-z])(?:0+|1+|3+|5+|7+)(?=[a-z])"
    r"|(?<=[a-z])4+(?=[a-z]\w)|(?<=\w[a-z])4+(?=[a-z])"  # "b4u" and "m4f" are words of their own
    r"|(?<=\w[a-z])0\Z"
)
_LEET_LETTERS = str.maketrans("013457@$", "oieastas")
_LEADING_ZERO = re.compile(r"0(?=[a-wyz]\w)")
_STRETCHED_END = re.compile(r"([^\W\d_])\1{2,}\Z")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")

_APART = re.compile(r" \w \w(?!\S)")
"""Any three single characters in a row contain this; nearly no ordinary message does."""
_APART_RUN = re.compile(r"(?<!\S)[^\W_](?:\s{1,4}[^\W_](?!\S)){2,}")
_COMMON_WORDS = """
a about add age ago alone am and are asl at baby be boy boyfriend bye call cam can chat come cute dad day did do
dont f for from get gift girl girlfriend give go good got guy have hello hey hi home hot house how i im in is it
just kid know like live love m me meet mom mum my name nice no not now number of off ok old on one only or our out
parents phone photo pic pics picture please pls r safe school secret see send sexy she should show so talk tell text
that the them they this to today too u up us want was we what when where who why will with yes you young your
"""
_COMMON = WORDS.union(_COMMON_WORDS.split())


class Normalised(NamedTuple):
    """Canonical tokens, and for each the (start, end) of where it stands in the original text."""

    tokens: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]


def split(text: str) -> list[str]:
    """Cut at whitespace, after joining letters that were spelled apart.

    Two spaces mark a border between words. With single spaces only, the letters are read as common words if that
    leaves nothing over, joined to one word if there are five or more, and else left alone ("r u a", "w a s d").

    >>> split("h o w  o l d  r u")
    ['how', 'old', 'r', 'u']
    >>> split("so h o w o l d are you")
    ['so', 'how', 'old', 'are', 'you']
    """
    if _APART.search(text) is None:
        return text.split()
    return [chunk for chunk, _, _ in _chunks(text)]


def chunk_tokens(chunk: str) -> tuple[str, ...]:
    """Canonical tokens of one chunk; linear in its length.

    >>> chunk_tokens("H0w's"), chunk_tokens("15/F/UK?"), chunk_tokens("a/s/l"), chunk_tokens("gr8")
    (('hows',), ('15', 'f', 'uk', '?'), ('asl',), ('gr8',))
    """
    # A plain word with or without a mark behind it is nearly all of chat; the long way would read it just so.
    plain = chunk.rstrip("?")
    marks = ("?",) if plain != chunk else ()
    word = plain.replace("'", "") if marks else chunk.rstrip(".,!").replace("'", "")
    if word.isascii() and word.isalpha() and len(word) <= LONGEST:
        return (_stretch(word.lower()), *marks)
    return tuple([token for token, _, _ in _scan(_fold(chunk))])


def tokens(text: str) -> list[str]:
    """Canonical tokens of a whole message.

    >>> tokens('She said “do not tell”, see https://example.org :)')
    ['she', 'said', '"', 'do', 'not', 'tell', '"', 'see', '<url>', '🙂']
    """
    return [token for chunk in split(text) for token in chunk_tokens(chunk)]


def normalise(text: str) -> Normalised:
    """Give `tokens(text)` with their spans, in Python string offsets of `text`; slow, for explanations.

    >>> normalise("Heyyy, p@rents")
    Normalised(tokens=('hey', 'parents'), spans=((0, 5), (7, 14)))
    """
    found: list[str] = []
    spans: list[tuple[int, int]] = []
    for chunk, start, end in _chunks(text):
        origin = _origins(chunk) if end - start == len(chunk) else None
        for token, first, last in _scan(_fold(chunk)):
            found.append(token)
            spans.append((start, end) if origin is None else (start + origin[first], start + origin[last - 1] + 1))
    return Normalised(tuple(found), tuple(spans))


def _chunks(text: str) -> list[tuple[str, int, int]]:
    """Chunks with where they stand: the slow twin of `str.split`, which also joins spelled letters."""
    result: list[tuple[str, int, int]] = []
    at = 0
    for run in _APART_RUN.finditer(text) if _APART.search(text) else ():
        result += [
            (word[0], at + word.start(), at + word.end()) for word in re.finditer(r"\S+", text[at : run.start()])
        ]
        letters = [(letter[0], run.start() + letter.start()) for letter in re.finditer(r"\S", run[0])]
        result += _join(letters)
        at = run.end()
    return result + [(word[0], at + word.start(), at + word.end()) for word in re.finditer(r"\S+", text[at:])]


def _join(letters: list[tuple[str, int]]) -> list[tuple[str, int, int]]:
    """Words from a run of single letters with their places."""
    pieces: list[list[tuple[str, int]]] = [[letters[0]]]
    for before, letter in pairwise(letters):
        if letter[1] - before[1] > 2:
            pieces.append([])
        pieces[-1].append(letter)
    words: list[tuple[str, int, int]] = []
    for piece in pieces:
        spelled = "".join(letter for letter, _ in piece)
        lengths = _read(spelled.lower().translate(_LEET_LETTERS))
        if lengths is None:
            lengths = [len(piece)] if len(pieces) > 1 or len(piece) >= 5 else [1] * len(piece)
        at = 0
        for length in lengths:
            words.append((spelled[at : at + length], piece[at][1], piece[at + length - 1][1] + 1))
            at += length
    return words


def _read(spelled: str) -> list[int] | None:
    """Lengths of the fewest common words that make up `spelled`; None if they leave something over."""
    best: list[list[int] | None] = [[]] + [None] * len(spelled)
    if len(spelled) > LONGEST:
        return None
    for end in range(1, len(spelled) + 1):
        for length in range(1, min(end, 10) + 1):
            before = best[end - length]
            if before is None or spelled[end - length : end] not in _COMMON:
                continue
            now = best[end]
            if now is None or len(before) + 1 < len(now):
                best[end] = [*before, length]
    return best[-1]


def _fold(chunk: str) -> str:
    """Lower case, NFKC, without apostrophes, format and control characters; stable under a second folding."""
    if chunk.isascii() and chunk.isprintable():
        return _APOSTROPHE.sub("", chunk.lower().replace("`", "'")) if "'" in chunk or "`" in chunk else chunk.lower()
    for _ in range(4):
        before = chunk
        chunk = chunk.translate(_ODD)  # first, because NFKC takes some of them apart at a space
        chunk = unicodedata.normalize("NFKC", chunk).lower().translate(_ODD)
        chunk = "".join([c for c in chunk if c.isprintable()])
        if chunk == before:
            break
    return _APOSTROPHE.sub("", _FLAG_LETTERS.sub(_letters, chunk.translate(_SMALL_CAPITALS)))


def _letters(flags: re.Match[str]) -> str:
    return "".join([chr(ord(letter) - 0x1F1E6 + ord("a")) for letter in flags[0]])


def _origins(chunk: str) -> list[int] | None:
    """For each character of `_fold(chunk)` the place it came from in `chunk`; None where that would be too slow."""
    if chunk.isascii() and chunk.isprintable():
        kept = _APOSTROPHE.sub("\0", chunk.replace("`", "'"))
        return [at for at, letter in enumerate(kept) if letter != "\0"]
    if len(chunk) > MAPPED:
        return None
    origins: list[int] = []
    length = len(_fold(chunk))
    for at in range(len(chunk)):
        origins += [at] * (min(len(_fold(chunk[: at + 1])), length) - len(origins))
    return origins + [len(chunk) - 1] * (length - len(origins))


def _scan(folded: str) -> list[tuple[str, int, int]]:
    """Tokens of a folded chunk with their place in it."""
    if folded.isascii() and folded.isalpha() and len(folded) <= LONGEST:
        return [(_stretch(folded), 0, len(folded))]
    found: list[tuple[str, int, int]] = []
    for match in (_SCAN if "@" in folded else _SCAN_NO_EMAIL).finditer(folded):
        kind = match.lastgroup or ""
        text, (start, end) = match[kind], match.span()
        if kind == "word" and end - start <= LONGEST and "$" not in text and "@" not in text:  # nearly always
            found.append((_word(text), start, end))
        elif kind in _FIXED:
            found.append((_FIXED[kind], start, end))
        elif kind == "kept":
            found.append((text, start, end))
        elif kind == "mention":
            continue
        elif kind == "face":
            found.append(("😉" if text[0] == ";" and text[-1] in ")d" else _MOUTHS[text[-1]], start, end))
        elif kind == "symbol":
            if text == "$" or unicodedata.category(text) == "So":
                found.append((EMOJI_WORDS.get(text, text), start, end))
        else:
            word = re.sub(r"[^\w]|_", "", text) if kind == "spelled" else text.replace("@", "a").replace("$", "s")
            exact = len(word) == end - start
            found += [
                (
                    _word(word[at : at + LONGEST]),
                    start + at if exact else start,
                    min(start + at + LONGEST, end) if exact else end,
                )
                for at in range(0, len(word), LONGEST)
            ]
    return found


def _word(word: str) -> str:
    """One word without disguise."""
    if not word.isascii() and _OTHER_SCRIPT.search(word) and any(c.isascii() and c.isalpha() for c in word):
        word = word.translate(_LOOKALIKES)
    if not word.isalpha():
        word = _LEADING_ZERO.sub("o", word, count=1) if word[0] == "0" else word
        if not word[0].isdigit():
            word = _LEET.sub(lambda run: run[0].translate(_LEET_LETTERS), word)
        word = undigited(word)
    return _stretch(word)


def _stretch(word: str) -> str:
    """Take stretched letters off a word, and slips of the keyboard."""
    if len(word) < 3 or _STRETCHED.search(word) is None:
        return MEANT.get(word, word)
    word = unstretched(word, _STRETCHED.sub(r"\1\1", _STRETCHED_END.sub(r"\1", word)))
    return MEANT.get(word, word)

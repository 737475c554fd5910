"""Misspelt words that say something here: vowels left out, keyboard slips, digits at a word's edge, stretched letters.

Leans on nothing. Decisions:

- Only words of `WORDS` are ever restored, an own list of those that the signals and this kind of talk are made of.
  There is no dictionary of English to tell a slip from a rare word, so what is restored must be unlikely to be one.
- Nearly all of it is one table, `MEANT`, from what was typed to what was meant. What could mean two words is left
  alone, as is `ORDINARY`, words that look like slips and are none.
- Vowels: the word without its vowels behind the first letter, three letters or more ("prnts", "scrt"); shorter ones
  mean too many things. Slips, in words of five letters or more, never of the first letter: two neighbours swapped, one
  doubled or missing its double; from seven letters on also a neighbouring key, but for the last letter ("pictured").
- An emoji becomes a word only where it is used as a noun ("ur 🏠 alone"); those that decorate stay what they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_WORDS = """
about address adult afraid after again age ago alone always and angry any anybody anyone anything are ask asleep
attractive bad bathroom beautiful because bed bedroom bedtime been before believe best birthday body boy boyfriend
break bring brother buddy bye call camera can care caught cell chat city class close clothes come computer cool could
country cuddle cute dad daddy date daughter delete describe did different discord does doing drive email embarrassed
erase ever everybody everyone everything eyes face family father feel female fifteen find fine first for fourteen
friend friends from fun games get gift girl girlfriend girls give going good gorgeous got grade great guy guys hand
handsome hang has hate have her here hey him his hold home hope hot hotel house how hug hurt just keep kid kind kiss
kissing know last later leave legal let life like lips little live lives lonely long look looks lots love lover lying
mad man mature maybe mean meet meeting message messages middle mind mine minute miss mobile mom mommy money more
mother move much mum myself name naughty need nervous never new nice night nobody not nothing now number off okay old
older one online only open our out over own parents party people person phone photo photos pic pick pics picture
pictures place play please police pretty private probably problem promise proud real really right room said same say
scared school secret secrets see selfie send sent seventeen she should show sister sixteen skip skype sleep sleeping
snap snapchat some somebody someone something sometimes somewhere soon special start stay still stop street stuff
sure swear sweet sweetie take talk talking teacher tell tells text texting than thanks that the their them then there
they thing things think thinking thirteen this thought time today together told tomorrow tonight too touch town
trouble trust twelve twenty understand use very video visit voice wait walk want wants was watch way wear web weekend
weird well were what whatever when where which while whisper who why wife will with without woman work worry would
write wrong yeah year years yes you young younger your yourself
"""
WORDS = frozenset(_WORDS.split())
_ORDINARY = """
angle begin hoping latter meting parent patents person quite sacred scarred strat super supper three trail untied
brb bst btw cls ctry dng dnt dscrd eml ers fml fwb ggs gmt gng grr hmm hrs hrt http lbl lmk lps lts lst ltr lvl mns mnt
mny mss msg nth pcs plc pls ply plz prms prt psst pst ptr pwr slf sms snc spk sql std str sty svn sys tch thm thx thy
tmr tmrw tns trst txt whl wrd wrk wrt wtf wth wys yrs
"""
ORDINARY = frozenset(_ORDINARY.split())
EMOJI_WORDS = {
    **dict.fromkeys("📷📸🤳", "pic"),
    **dict.fromkeys("📹🎥", "cam"),
    **dict.fromkeys("🏠🏡", "home"),
    **dict.fromkeys("🛏🛌", "bed"),
    **dict.fromkeys("📱☎📞", "phone"),
    **dict.fromkeys("💰💵💸", "money"),
    "🏫": "school",
    "🎁": "gift",
    "💋": "kiss",
    "💍": "ring",
    "🫵": "you",
    "🔟": "10",
}
"""Emoji that stand for words."""
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_NEXT = {key: row[max(0, at - 1) : at] + row[at + 1 : at + 2] for row in _ROWS for at, key in enumerate(row)}
"""Letter -> its neighbours in the same row of a keyboard."""
SHORTEST_SKELETON, SHORTEST_SLIP, SHORTEST_KEY = 3, 5, 7
_VOWELS = str.maketrans("", "", "aeiou")
_DIGITS = tuple(str.maketrans("013457", letters) for letters in ("oieast", "oleast"))
_RUN, _LONG_RUN = re.compile(r"([^\W\d_])\1+"), re.compile(r"([^\W\d_])\1{2,}")


def undigited(word: str) -> str:
    """Return the word of `WORDS` that is meant by one with digits for some of its letters, or `word` itself.

    >>> undigited("ag3"), undigited("5end"), undigited("gr8"), undigited("15f"), undigited("1075")
    ('age', 'send', 'gr8', '15f', '1075')
    """
    if 2 * sum(map(str.isdigit, word)) <= len(word):
        for table in _DIGITS:
            if (read := word.translate(table)) in WORDS:
                return read
    return word


def unstretched(word: str, usual: str) -> str:
    """Return a word that has a letter three or more times without that: the one in `WORDS`, or else as is `usual`.

    >>> unstretched("aggge", "agge"), unstretched("seee", "se"), unstretched("sweeet", "sweet")
    ('age', 'see', 'sweet')
    """
    if usual in WORDS:
        return usual
    once, twice = _RUN.sub(r"\1", word), _LONG_RUN.sub(r"\1\1", word)
    return once if once in WORDS else twice if twice in WORDS else usual


def _meant() -> dict[str, str]:
    """Return the table: what was typed -> what was meant."""
    meant: dict[str, str] = {}
    unclear = set(WORDS | ORDINARY)
    for word in sorted(WORDS):
        for typed in {_skeleton(word), *_slips(word)}:
            if meant.setdefault(typed, word) != word:
                unclear.add(typed)
    return {typed: word for typed, word in meant.items() if typed not in unclear}


def _skeleton(word: str) -> str:
    """Leave out the vowels behind the first letter; where too little is left, the word itself."""
    bones = word[0] + word[1:].translate(_VOWELS)
    return bones if len(bones) >= SHORTEST_SKELETON else word


def _slips(word: str) -> Iterator[str]:
    """Yield what slips make of a word."""
    if len(word) < SHORTEST_SLIP:
        return
    for at in range(1, len(word)):
        before, letter, after = word[:at], word[at], word[at + 1 :]
        yield before + letter + letter + after
        if letter == word[at - 1]:
            yield before + after
        if after:
            yield before + after[0] + letter + after[1:]
        if after and len(word) >= SHORTEST_KEY:
            yield from (before + key + after for key in _NEXT[letter])


MEANT = _meant()
"""What was typed -> the word of `WORDS` that was meant; made at import, so that a word costs one look-up."""

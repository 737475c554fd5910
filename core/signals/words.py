"""The words that patterns are made of: fragments of regular expressions over canonical text (see `core.text`).

Leans on nothing. A fragment is one alternative group or a bounded gap; nothing repeats without a bound, so a pattern's
match has a largest width and a search is linear in the text (a test inspects every pattern for it).
"""

from __future__ import annotations


def one(words: str) -> str:
    """One of several words; an underscore stands for a space.

    >>> one("mum in_bed")
    '(?:mum|in bed)'
    """
    return f"(?:{'|'.join(words.split()).replace('_', ' ')})"


def some(words: str, most: int = 1) -> str:
    """None to `most` of several words, each with the space after it.

    >>> some("so very", 2)
    '(?:(?:so|very) ){0,2}'
    """
    return f"(?:{one(words)} ){{0,{most}}}"


def cues(words: str) -> frozenset[str]:
    """Make a set of cue tokens."""
    return frozenset(words.split())


_PARENTS = """mom moms mum mums mommy mummy mama mother mothers dad dads daddy father fathers parent parents rents folks
stepdad stepmom stepmum"""
_PICS = "pic pics pix picture pictures photo photos foto fotos selfie selfies"
_APPS = """msn aim yahoo yim icq snap snapchat snaps sc insta instagram ig discord disc dc whatsapp wapp kik telegram
tele tg skype facebook fb myspace wechat viber signal messenger tiktok hangouts wickr"""

PARENT, PARENT_CUES = one(_PARENTS), cues(_PARENTS)
PIC, PIC_CUES = one(_PICS), cues(_PICS)
APP, APP_CUES = one(_APPS), cues(_APPS)
PARENTS = one("mom_and_dad mum_and_dad mom_or_dad mum_or_dad " + _PARENTS)

YOU = one("you u ya yu")
YOUR = one("your ur yr youre")
YOU_CUES = cues("you u ya yu your ur yr youre youll ull")
YOURE = one("youre your ur you_are u_r u_are you_r")
ARE = one("are r is")
WHAT = one("what whats what_is wat wats wut")
WHEN = one("when wen whens what_time wat_time")
IM = one("im i_am i_m iam")
ILL = one("ill imma ima i_will i_can i_could id i_would i_wanna i_want_to let_me lemme im_gonna im_going_to gonna")
WANT = one("wanna wana wnna want_to wants_to like_to love_to gonna going_to")
DONT = one("dont do_not never cant cannot wont better_not shouldnt didnt not")
ANYONE = one("anyone anybody any1 any_one no_one noone nobody no1 somebody someone everyone every1 everybody")
LATER = one("sometime some_time tonight 2night tonite tomorrow this_weekend 2morrow tmrw tmr")

ANY = r"(?:\S{1,40} )"
"""Exactly one token, whatever it is."""
GAP1 = ANY + "?"
GAP2 = ANY + "{0,2}"
GAP3 = ANY + "{0,3}"

_NUMBERS = "eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
NUMBER_WORDS = {word: number for number, word in enumerate(_NUMBERS.split(), start=8)}
MINOR_DIGITS, ADULT_DIGITS = "(?:[89]|1[0-7])", "(?:1[89]|[2-7][0-9])"
MINOR_AGES = f"(?:{MINOR_DIGITS}|{one(' '.join(word for word, number in NUMBER_WORDS.items() if number < 18))})"
ADULT_AGES = f"(?:{ADULT_DIGITS}|{one(' '.join(word for word, number in NUMBER_WORDS.items() if number >= 18))})"
AGES, DIGITS = f"(?:{MINOR_AGES}|{ADULT_AGES})", f"(?:{MINOR_DIGITS}|{ADULT_DIGITS})"

_UNITS = """
m min mins minute minutes h hr hrs hour hours sec secs second seconds day days week weeks wks month months mos
mile miles mi km kms feet foot ft inch inches cm lb lbs pounds kg stone percent degrees am pm points pts kills
level levels wins games rounds gb mb ms fps k grand bucks dollars quid pages lines people guys times away from
of out behind ahead late short off over under for to x steps blocks stops hundred thousand million cents
"""
_UNIT = rf"(?:{one(_UNITS)}|[0-9]{{1,9}}|\$|(?:years|yrs|yr|year|y)(?! (?:old|o)(?!\S)))"
NOT_A_MEASURE = rf"(?! {_UNIT}(?!\S))"
"""After a number: it is no time, length, price or score."""


def age_cues(first: int, last: int) -> frozenset[str]:
    """Tokens in which an age of `first` to `last` years can stand."""
    numbers = [str(number) for number in range(first, last + 1)]
    words = [word for word, number in NUMBER_WORDS.items() if first <= number <= last]
    return frozenset(words + [number + end for number in numbers for end in ("", "f", "m", "yo", "y", "yr", "yrs")]) | {
        sex + number for number in numbers for sex in "fm"
    }


def own_age(age: str, digits: str) -> tuple[str, ...]:
    """Patterns by which people state their own age, given that of the number and of its form in digits ("15f")."""
    person = one("f m female male girl boy guy woman man yo yr_old year_old yrs_old years_old y_o")
    start = rf"(?:\A|(?<!\S){one('asl hi hey hello ok well me am is')} )"
    return (
        rf"{IM} {some('only just actually still already really a an like about now barely', 2)}{age}{NOT_A_MEASURE}",
        rf"{IM} {some('a an')}(?:{digits}(?:f|m|yo)|{age} {person}){NOT_A_MEASURE}",
        rf"i (?:just )?turned {age}{NOT_A_MEASURE}",
        rf"{IM} {some('a an only like just', 2)}{digits}(?:yrs?|y)(?: (?:old|o)|\Z)",
        rf"my age is {age}",
        rf"{start}(?:{digits}(?:f|m|yo)|{age} {person}){NOT_A_MEASURE}",
        rf"{start}(?:f|m){digits}",
        rf"\A{one('f m female male')} {age}{NOT_A_MEASURE}",
        rf"{start}{age} (?:here|(?:and |how about |what about )?(?:u|you)|wbu|hbu)(?: \?)?\Z",
    )

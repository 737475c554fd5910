"""Countries (ISO 3166-1 alpha-2) and the states of the US (USPS), and platforms: names and shapes that exports check.

Leans on nothing. Outside `bots` a platform is named here and where `core.config` holds its section, and nowhere else:
an authority is told its name as people write it, and an id of another shape than the platform's finds nobody there.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_COUNTRIES = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR
    GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO
    JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR
    MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO
    RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV
    TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"""
_US_STATES = """
    AK AL AR AZ CA CO CT DC DE FL GA GU HI IA ID IL IN KS KY LA MA MD ME MI MN MO MS MT NC ND NE NH NJ NM NV NY OH
    OK OR PA PR RI SC SD TN TX UT VA VI VT WA WI WV WY"""
COUNTRIES = frozenset(_COUNTRIES.split())
US_STATES = frozenset(_US_STATES.split())


class Platform(NamedTuple):
    """A platform's name as people write it, the shape of a person's id, and that shape in words."""

    name: str
    person: re.Pattern[str]
    words: str


PLATFORMS = {
    "discord": Platform("Discord", re.compile(r"[0-9]{1,20}"), "digits"),
    "slack": Platform("Slack", re.compile(r"[UW][A-Z0-9]{1,30}"), "U or W, then capital letters and digits"),
}
"""By what stands before the colon of a space; others are named as they stand there, with ids of any shape."""


def platform_name(key: str) -> str:
    """Name a platform as people write it.

    >>> platform_name("discord"), platform_name("api")
    ('Discord', 'api')
    """
    return PLATFORMS[key].name if key in PLATFORMS else key

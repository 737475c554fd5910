"""What stands in the words of a command: people, channels and usergroups, as Slack writes them there.

Slack does that because the manifest says ``should_escape``
(https://docs.slack.dev/interactivity/implementing-slash-commands). A private channel, or a name that Slack did not take
for one, can be given by its id.
"""

from __future__ import annotations

import re

PERSON = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>|\b([UW][A-Z0-9]{5,})\b")
CHANNEL = re.compile(r"<#([CDG][A-Z0-9]+)(?:\|[^<>]*)?>|\b([CDG][A-Z0-9]{5,})\b")
GROUP = re.compile(r"<!subteam\^(S[A-Z0-9]+)(?:\|[^<>]*)?>|\b(S[A-Z0-9]{5,})\b")


def named(what: re.Pattern[str], words: str) -> str | None:
    """Return the id of the first that is named; None if there is none.

    >>> named(CHANNEL, "<#C0GENERAL|general> 7"), named(GROUP, "S0PUPILS adult"), named(PERSON, "everybody")
    ('C0GENERAL', 'S0PUPILS', None)
    """
    found = what.search(words)
    return None if found is None else found[1] or found[2]


def rest(what: re.Pattern[str], words: str) -> str:
    """Return the words without the one that names.

    >>> rest(CHANNEL, "<#C0GENERAL|general> 7")
    '7'
    """
    return what.sub("", words, count=1).strip()

"""The pattern signals about pressure, and what the one who is approached says: data only.

Like `core.signals.patterns`, whose docstring says how to add one.
"""

from __future__ import annotations

from core.signals.pattern import PatternSignal
from core.signals.words import ANYONE, GAP1, GAP2, IM, PARENT, PARENT_CUES, YOU, YOU_CUES, YOUR, YOURE, cues, one, some

_PRIVATE = one("pic pics pictures photos video videos screenshots nudes messages chats")
_OTHERS = rf"(?:{YOUR} (?:school|friends|class|teacher|{PARENT})|everyone|every1|everybody)"
_THREAT = one("ill i_will im_gonna im_going_to i_can i_could gonna going_to id")

PATTERNS_PRESSURE: tuple[PatternSignal, ...] = (
    PatternSignal(
        name="risk_check",
        stage="pressure",
        meaning="worries about being found out or getting into trouble",
        cues=cues(
            "cop cops police fbi jail prison trouble caught arrested busted underage under legal find finds found sting"
        ),
        patterns=(
            (
                rf"(?:{one('are r if sure that not be')}|{YOURE}|{YOU}) "
                rf"{some('you u not sure a an the with some like undercover', 4)}"
                rf"{one('cop cops police fbi')}"
            ),
            (
                rf"{one('go going get end_up be put thrown sent me in goin')} {some('me back sent thrown put up')}"
                rf"{some('to in into 2')}(?:jail|prison)"
            ),
            (
                rf"{one('i we id me ill both get')} {some('can could would will might dont want to get be both', 3)}"
                rf"{some('in into so big lots lot of a much alot serious real deep bad', 3)}trouble"
            ),
            (
                rf"{one('i we dont not to id ill')} {some('could would will might wanna want to dont both ever', 3)}"
                rf"{one('get be getting')} {one('caught arrested busted')}"
            ),
            (
                rf"{one('if that before when no hope')} {GAP2}(?:{ANYONE}|{PARENT}|cops|police|they) "
                rf"{GAP1}{one('find finds found')} out"
            ),
            rf"(?:{YOURE}|{YOU}|being) {some('still')}{one('underage not_legal under_age')}",
            rf"{one('is not')} {some('this that')}a sting",
        ),
        examples=("are you a cop", "I could go to jail", "we could get in trouble", "what if your mum finds out"),
        counter_examples=(
            "the police station on the map",
            "trouble with the build",
            "it found the file",
            "go to the shop",
        ),
    ),
    PatternSignal(
        name="guilt",
        stage="pressure",
        meaning="makes the other person feel guilty or doubted",
        cues=cues(
            """loved liked cared trusted love like trust care hate promised lied mad upset angry ignoring avoiding done
            want wanted talk sad cry guilty bad"""
        ),
        also=cues("me done"),
        patterns=(
            (
                rf"if {YOU} {some('really truly actually ever')}{one('loved liked cared trusted love trust care')} "
                rf"{one('me about_me for_me')}"
            ),
            (
                rf"{YOU} {some('must just')}{one('dont do_not didnt never not')} {some('really even ever')}"
                rf"{one('love loved like liked trust trusted care_about want wanna_talk_to want_to_talk_to')} me"
            ),
            rf"after {one('everything all')} {some('that')}{one('ive i_have i')} done for {YOU}",
            rf"{one('thought thot')} {YOU} {some('really')}{one('liked loved trusted wanted cared_about')} me",
            rf"(?:are|r) {YOU} {one('mad upset angry')} (?:at|with|wit) me",
            rf"{YOU} hate me",
            rf"(?:are|r) {YOU} (?:ignoring|avoiding) me",
            rf"{YOU} (?:promised|lied to) me(?! {one('the a that')}(?!\S))",
            rf"{YOU} {one('made make making')} me {some('so feel really', 2)}{one('sad cry guilty bad')}",
        ),
        examples=(
            "if you really liked me you would",
            "after everything I've done for you",
            "are you mad at me",
            "you promised me",
            "u dont trust me",
        ),
        counter_examples=("I like you all", "the test hates me", "you don't like the colour", "they promised a fix"),
    ),
    PatternSignal(
        name="threat",
        stage="pressure",
        meaning="says something bad will follow",
        cues=cues("regret sorry else tell know make hurt hack ruin warned warning"),
        also=YOU_CUES | cues("me else everyone every1 everybody"),
        patterns=(
            rf"(?:{YOU}|youll|ull|{YOURE}) {some('will gonna going to ever', 2)}(?:regret|be sorry)",
            (
                rf"{one('now it me this that do reply answer back')} or else(?! "
                rf"{one('the it i we you u if return')}(?!\S))"
            ),
            rf"{_THREAT} tell (?:everyone|every1|everybody|{YOUR} (?:friends|school|{PARENT}))",
            rf"i know where {YOU} (?:live|go)",
            rf"(?:dont|do not|{YOU} dont want to) make me {one('mad angry tell hurt come')}",
            rf"{_THREAT} {one('hurt hack ruin')} (?:{YOU}|{YOUR} {one('life account computer family')})",
            rf"i {one('warned am_warning')} {YOU}",
        ),
        examples=("you will regret this", "do it or else", "I'll tell everyone", "i know where you live"),
        counter_examples=(
            "or else it crashes",
            "sorry about that",
            "I know where the key is",
            "I'll tell you tomorrow",
        ),
    ),
    PatternSignal(
        name="threat_to_share",
        stage="pressure",
        meaning="says they will show something private to others",
        cues=cues("""share leak post upload expose spread friends school class teacher everyone every1 everybody""")
        | PARENT_CUES,
        also=YOU_CUES | cues("to 2 these those all this them it everything"),
        patterns=(
            (
                rf"{_THREAT} {some('just')}{one('post share leak upload expose spread')} "
                rf"{one('your ur all those these')} "
                rf"{GAP1}{_PRIVATE}"
            ),
            rf"{_THREAT} {one('expose leak')} {YOU}",
            (
                rf"{_THREAT} {one('send show forward')} {one('your ur these those all this them it everything')} "
                rf"{GAP2}(?:to|2) {_OTHERS}"
            ),
            (
                rf"{_OTHERS} {one('will gonna is_gonna can is_going_to')} see "
                rf"{one('your ur these those')} {GAP1}{_PRIVATE}"
            ),
        ),
        examples=(
            "I'll post your pictures online",
            "i will send these screenshots to your friends",
            "everyone will see your pics",
        ),
        counter_examples=(
            "I'll post the patch online",
            "I'll share the slides with everyone",
            "upload your photos to the album",
        ),
    ),
    PatternSignal(
        name="target_discomfort",
        stage="response",
        meaning="is uncomfortable or wants it to stop",
        cues=cues(
            """stop weird creepy creep gross disgusting creeping freaking scaring alone want wanna uncomfortable
            comfortable scared"""
        ),
        patterns=(
            rf"stop {one('asking texting messaging calling bugging')} (?:me|that|about)",
            (
                rf"(?:{one('thats this_is that_is being')}|{YOURE}) "
                rf"{some('so kinda really very a bit being all just little too', 3)}"
                rf"{one('creepy gross disgusting creeping_me freaking_me scaring_me creep')}"
            ),
            rf"(?:this|that) (?:is|feels|sounds) {some('so kinda really getting a bit just', 2)}weird (?:for|to) me",
            rf"this is {some('kinda really so getting')}weird\Z",
            r"leave me alone",
            (
                rf"i {some('really rly')}(?:dont|do not) (?:want to|wanna) (?:talk about|send|do "
                rf"that|meet|show|talk to {YOU})"
            ),
            (
                rf"(?:{IM}|i feel|{one('make makes making')} me) "
                rf"{some('so kinda really feel bit very little', 2)}uncomfortable"
            ),
            rf"{IM} {some('so kinda really a bit little', 3)}scared of {YOU}",
            (
                rf"(?:not|dont feel|isnt) {some('really very')}comfortable "
                rf"{one('with doing talking about sending meeting')}"
            ),
        ),
        examples=(
            "stop asking me",
            "this is weird",
            "leave me alone",
            "I don't want to send that",
            "you're scaring me",
        ),
        counter_examples=("the weird part is the cache", "stop the server", "I want to send a patch", "leave it alone"),
    ),
    PatternSignal(
        name="self_harm_mention",
        stage="response",
        weighed=False,
        meaning="mentions hurting themselves or not wanting to live",
        cues=cues("myself die suicide suicidal alive live here life kms"),
        patterns=(
            (
                rf"{one('kill killing hurt hurting cut cutting harm harming')} myself"
                rf"(?! {one('laughing off out at up from shaving on if')}(?!\S))"
            ),
            rf"(?:want to|wanna|wish i could|just) die(?! {one('in from of laughing to hard')}(?!\S))",
            rf"{one('commit attempt attempted committing considered considering')} suicide",
            rf"{IM} {some('feeling so really')}suicidal",
            rf"(?:dont|do not) (?:want to|wanna) (?:live|be alive|be here) {one('anymore any_more no_more')}",
            r"end my life",
            rf"{one('gonna wanna want_to going_to might')} kms",
        ),
        examples=("I want to hurt myself", "i dont want to live anymore", "I'm suicidal", "sometimes i wanna die"),
        counter_examples=("I'll do it myself", "die in the lava", "the process dies", "I live here"),
    ),
)

"""The pattern signals about finding out, getting somebody apart, and coming near: data only.

Leans on `core.signals.pattern` for what an entry is and `core.signals.words` for the fragments. To add a signal, add
one entry here, in `core.signals.patterns_closer` or in `core.signals.patterns_pressure`, and its row in
`docs/signals.md`; everything else follows. Examples are invented and mild.
"""

from __future__ import annotations

from core.signals.ages import SCHOOL_YEARS, SPELLED_AGE
from core.signals.pattern import PatternSignal
from core.signals.words import (
    ADULT_AGES,
    ADULT_DIGITS,
    AGES,
    ANYONE,
    APP,
    APP_CUES,
    ARE,
    DIGITS,
    DONT,
    GAP1,
    GAP2,
    GAP3,
    ILL,
    IM,
    LATER,
    MINOR_AGES,
    MINOR_DIGITS,
    NOT_A_MEASURE,
    PARENT,
    PARENT_CUES,
    PARENTS,
    WANT,
    WHAT,
    WHEN,
    YOU,
    YOU_CUES,
    YOUR,
    YOURE,
    age_cues,
    cues,
    one,
    own_age,
    some,
)

_SCHOOL_CUES = cues("grade grader year yr freshman sophomore 1")
_THEM = rf"(?:{ANYONE}|them|(?:{YOUR} )?{PARENT}|{YOUR} {one('friends sister brother teacher family folks')})"
_AT_HOME = one("home there around asleep sleeping in_bed gone out away at_work working")
_ALL = some("all this these our ur your the those my of it", 3)

PATTERNS: tuple[PatternSignal, ...] = (
    PatternSignal(
        name="asks_age",
        stage="access",
        meaning="asks how old the other person is",
        cues=cues("old ld age asl grade birthday bday born"),
        patterns=(
            rf"how old (?:{ARE} )?{YOU}(?! (?:think|guess|say))",
            rf"(?:how|hw) (?:old|ld) {YOU} {ARE}",
            rf"(?:hw ld|hw old|how ld) {ARE} {YOU}",
            rf"{WHAT} {YOUR} {some('real actual')}age",
            rf"what age {ARE} {YOU}",
            rf"(?:tell|told) me {YOUR} (?:real )?age",
            rf"{YOUR} age \?",
            r"\Aage(?: \?| sex location| and sex)?\Z",
            r"asl",
            rf"{one('what wat which wut')} grade {some('r are is')}(?:will )?{YOU}",
            rf"(?:how old|{YOUR} age) {some('u r')}{one('btw tho rn anyway')}",
            rf"(?:when is|whens|whats) {YOUR} (?:birthday|bday)",
            rf"(?:when|what year) (?:were|was) {YOU} born",
        ),
        examples=("how old are you?", "h0w 0ld r u", "asl?", "what's ur age", "h o w  o l d  r u", "what grade r u in"),
        counter_examples=(
            "I won't ask how old you are",
            "how old is this server",
            "my car is old",
            'she said "how old are you" and left',
        ),
    ),
    PatternSignal(
        name="age_claim",
        stage="access",
        meaning="states their own age",
        cues=age_cues(8, 79) | _SCHOOL_CUES,
        patterns=(*own_age(AGES, DIGITS), SCHOOL_YEARS, SPELLED_AGE),
        examples=("I'm 15", "15/f/uk", "i just turned 34", "f15 here", "im in 8th grade"),
        counter_examples=("I'm 15 minutes away", "im 5 foot 4", "we have 15 people", "i got 15 of them"),
    ),
    PatternSignal(
        name="claims_minor",
        stage="response",
        meaning="says they are under 18 or at school",
        cues=age_cues(8, 17) | _SCHOOL_CUES | cues("minor underage kid school"),
        patterns=(
            *own_age(MINOR_AGES, MINOR_DIGITS),
            SCHOOL_YEARS,
            SPELLED_AGE,
            rf"{IM} {some('only just still a an', 3)}(?:minor|underage|kid)",
            rf"{IM} {some('only just still', 2)}in {one('middle junior_high secondary primary elementary')} school",
        ),
        examples=("im only 13", "I am fifteen", "14 f texas", "i'm just a kid", "im in 7th grade"),
        counter_examples=("im 13 minutes late", "im 34", "i am not 15", "there are 12 of us"),
    ),
    PatternSignal(
        name="claims_adult",
        stage="access",
        meaning="says they are an adult",
        cues=age_cues(18, 79) | cues("adult grown 20s 30s 40s 50s twenties thirties forties"),
        patterns=(
            *own_age(ADULT_AGES, ADULT_DIGITS),
            (
                rf"{IM} {some('an a in my mid early late', 3)}"
                rf"{one('adult grown_man grown_woman 20s 30s 40s 50s twenties thirties forties')}"
            ),
        ),
        examples=("im 34", "i'm 27 m", "32/m/ohio", "I'm a grown man", "im in my 30s"),
        counter_examples=("im 30 minutes away", "i am 15", "im 50 50 on it", "they are adults"),
    ),
    PatternSignal(
        name="names_age",
        stage="access",
        meaning="speaks of the other person being under 18",
        cues=age_cues(8, 17) | cues("underage minor"),
        patterns=(
            (
                rf"(?:{YOURE}|(?:are|r) {YOU}|{YOU} (?:were|said {YOU} (?:are|were|was))) "
                rf"{some('only just really like about still so a almost what turning', 2)}{MINOR_AGES}{NOT_A_MEASURE}"
            ),
            rf"{YOURE} {some('only just still a', 2)}(?:underage|minor)",
        ),
        examples=("you're only 14", "ur 13 right", "so r u 15?", "you said you were 15"),
        counter_examples=("you are 15 minutes late", "you're 30", "your 10 points are gone", "are you 12 of 12 done"),
    ),
    PatternSignal(
        name="asks_location",
        stage="access",
        meaning="asks where the other person lives or goes to school",
        cues=cues("live living school far close city town state part located near area street country"),
        patterns=(
            (
                rf"{one('where wher wheres were whereabouts')} (?:in \S{{1,40}} )?"
                rf"{some('do d did abouts_do about_do')}{YOU} live"
            ),
            (
                rf"{one('what wat which')} {one('city town state area part street')} "
                rf"{GAP2}(?:are|r|do) {YOU} (?:live|in|from)"
            ),
            rf"{one('what wat which')} {one('country state city')} {YOU} {one('in from live')}",
            rf"{one('what wat which')} school {some('do did does')}{YOU} (?:go|attend)",
            rf"{YOU} live {one('near close around_here far in by')} {GAP2}\?",
            rf"how (?:far|close) {some('away')}{ARE} {YOU}(?! {one('in through into along with')} )",
            rf"{one('where wher were')} {ARE} {YOU} located",
            rf"(?:are|r) {YOU} {one('near close_to anywhere_near')}",
        ),
        examples=("where do u live", "what part of town do you live in", "what school do u go to?", "how far are you"),
        counter_examples=("where do the dragons live", "I live in a flat", "how far are you in the game"),
    ),
    PatternSignal(
        name="asks_appearance",
        stage="access",
        meaning="asks what the other person looks like",
        cues=cues("look describe tall weigh hair eyes size skinny slim"),
        patterns=(
            rf"what {some('do does u d')}{YOU} {some('really')}look like",
            r"describe (?:yourself|urself|yaself)",
            rf"how (?:tall|skinny) {ARE} {YOU}",
            rf"how much {some('do')}{YOU} weigh",
            rf"(?:what|wat) (?:color|colour) {some('is are r')}(?:{YOUR} |of )?(?:hair|eyes)",
            rf"(?:are|r) {YOU} {GAP1}(?:skinny|slim)",
            rf"(?:what|wat) size {one('are r do is')} (?:{YOU}|{YOUR})",
        ),
        examples=("what do you look like?", "describe yourself", "how tall r u"),
        counter_examples=("what does the map look like", "how tall is the tower", "look at this"),
    ),
    PatternSignal(
        name="contact_exchange",
        stage="access",
        meaning="asks for or gives a phone number, user name or address",
        cues=cues("number numba phone cell digits addy address sn username user handle tag call landline <email>"),
        patterns=(
            (
                rf"(?:{WHAT}|{one('gimme give_me giv_me send_me get have want need got tell_me')}) {GAP1}{YOUR} {GAP1}"
                rf"{one('phone_number cell_number home_number number numba phone cell digits addy sn username handle')}"
                r"(?<!favorite number)(?<!favourite number)(?<!lucky number)(?<!version number)"
            ),
            rf"(?:{WHAT}|gimme|give me|send me|have) {YOUR} {some('home house street')}address",
            rf"my {some('phone cell home house mobile')}{one('number cell phone digits')} is",
            rf"my {one('email addy address')} is <email>",
            rf"{one('can could may should want_me_to')} {some('i')}call {YOU}",
            rf"{one('ok okay safe cool alright mind')} {one('to if_i for_me_to')} call",
            (
                rf"{YOU} (?:have|got|hav) {some('a an ur your own any', 3)}"
                rf"{one('phone cell cell_phone number landline')}"
            ),
            rf"(?:{YOU}|can {YOU}|{WANT}) call me",
        ),
        examples=("what's your number", "can i call you", "do u have your own phone", "gimme ur cell number"),
        counter_examples=("the number of lines is wrong", "what's your favourite number", "call the function twice"),
    ),
    PatternSignal(
        name="schedule_probe",
        stage="isolation",
        meaning="asks when the other person or their parents are at home, in bed or online",
        cues=cues("home bed bedtime school work leave leaves sleep online asleep gone back stay up"),
        also=YOU_CUES | cues("he she they school"),
        patterns=(
            (
                rf"{WHEN} {one('do does will are r is did u')} (?:{YOU}|he|she|they|{YOUR} {PARENTS}) {GAP3}"
                rf"{one('home bed asleep to_sleep of_school from_school to_school online for_work to_work off_work')}"
            ),
            (
                rf"{WHEN} {some('do does will is are r')}{YOUR} {PARENTS} {GAP3}"
                rf"{one('home bed sleep asleep work leave leaves back gone')}"
            ),
            rf"(?:whats|what is|when is|is it) {YOUR} (?:bedtime|bed time)",
            rf"(?:do )?{YOU} (?:have|got|hav) (?:a )?(?:bedtime|bed time)",
            rf"how late (?:can|do) {YOU} stay (?:up|online|on)",
            rf"{YOU} {some('have got hav')}school {one('tomorrow tmrw 2morrow tomm today monday')}",
            r"(?:after|out of) school \?",
        ),
        examples=(
            "what time do you get home on mondays",
            "when does your mum leave for work",
            "what time are u in bed",
            "do u have school tomorrow",
        ),
        counter_examples=("when does the shop open", "I go to bed at ten", "school starts on monday"),
    ),
    PatternSignal(
        name="asks_alone",
        stage="isolation",
        meaning="asks whether the other person is alone",
        cues=cues("alone yourself urself self home there around house room door"),
        patterns=(
            (
                rf"(?<!leave )(?<!let )(?<!left )(?<!leaving )(?:{one('are r so is')} )?{YOU} "
                rf"{some('are r be gonna going to home all there still ever at house get', 4)}alone"
            ),
            rf"{one('are r so')} {YOU} {some('home there all at_home')}by (?:yourself|urself|ur self)",
            (
                rf"{YOURE} {some('home all')}(?:alone|by (?:yourself|urself)) (?:\?|"
                rf"{one('now tonight right_now there rite_now')})"
            ),
            (
                rf"(?:{ARE} )?{ANYONE} {some('else')}{one('home there around in_the_house in_the_room')} "
                rf"(?:with {YOU}|\?)"
            ),
            (
                rf"{one('who whos who_is whos_all')} {some('else')}{some('is')}(?:home|there with "
                rf"{YOU}|in the house|at ur house)"
            ),
            rf"(?:are|r|is) {YOU} {some('in still', 2)}in {YOUR} (?:own )?room",
            rf"{one('close lock shut')} {YOUR} door",
            rf"{YOU} {one('got have get will_have')} {YOUR} own room",
            rf"{YOU} {one('got have get will_have')} the (?:house|place) {some('all')}to (?:yourself|urself)",
        ),
        examples=("are you home alone?", "r u by yourself", "u alone", "is anyone home with you", "who's home"),
        counter_examples=(
            "you are not alone, we all feel that",
            "leave you alone",
            "I live alone",
            "home is where it is",
        ),
    ),
    PatternSignal(
        name="asks_parents",
        stage="isolation",
        meaning="asks where the parents are or what they allow and notice",
        cues=PARENT_CUES,
        patterns=(
            (
                rf"{one('where wheres wher whens when wen what_time')} "
                rf"{some('are r is do does will did')}{YOUR} {PARENTS}"
            ),
            (
                rf"{one('are r is will does do did can could would what_if so if hope wont')} "
                rf"{some('both')}{YOUR} {PARENTS} "
                rf"{GAP3}{one('home there around asleep sleeping bed gone leave strict check know let care mind')}"
            ),
            (
                rf"{one('are r is will does do did can could would what_if so if hope wont')} "
                rf"{some('both')}{YOUR} {PARENTS} "
                rf"{GAP3}{one('mad find working watch see catch read monitor trust allow away out hear')}"
            ),
            rf"{YOUR} {PARENTS} {some('still gonna going to be is are r not both', 3)}{_AT_HOME}",
            rf"{one('is are r where_is wheres where_are')} (?:the )?{PARENTS} {some('still')}{_AT_HOME}",
            rf"{PARENTS} (?:home|there|asleep|gone) \?",
            rf"(?:live|stay) (?:with|w) {some('both just')}{YOUR} {PARENTS}",
            rf"{YOUR} {PARENTS} {some('are r')}(?:divorced|split up|separated)",
            rf"how strict {some('are r')}{YOUR} {PARENTS}",
            (
                rf"{YOUR} {PARENTS} {some('ever still gonna', 2)}"
                rf"{one('check checks look_at look_through looks_at looks_through checking read reads')} "
                rf"{YOUR} "
                rf"{one('phone messages msgs chats dms texts discord snap computer')}"
            ),
        ),
        examples=(
            "where are your parents?",
            "is ur mom home",
            "are your parents strict",
            "does your dad check your phone",
        ),
        counter_examples=("my mum is home", "how are your parents keeping", "ask a parent before you sign up"),
    ),
    PatternSignal(
        name="secrecy_request",
        stage="isolation",
        meaning="asks to keep something secret",
        cues=cues(
            """tell telling told say mention know find see secret secrets delete erase clear
            between private quiet hidden hide lowkey"""
        ),
        patterns=(
            (
                rf"{DONT} (?:{YOU} )?{some('ever go')}(?:tell|telling|told) {_THEM}(?! "
                rf"{one('what how to the that_the')}(?!\S))"
            ),
            rf"{DONT} {some('ever')}say {one('anything nething nothing a_word')} (?:to|2) {_THEM}",
            rf"{one('our be_our your_and_my')} {GAP2}secret",
            rf"{DONT} {some('ever')}mention {some('it this that me us', 2)}(?:to|2) {_THEM}",
            (
                rf"(?:{ANYONE}|{YOUR} {PARENT}|they) {some('really ever', 2)}"
                rf"{one('has_to have_to needs_to need_to gotta can cant shouldnt must')} (?:know|find out|see) "
                rf"{one('about_us about_this bout_us bout_this this our')}"
            ),
            rf"keep {some('it this that us all our', 2)}{some('a as our', 2)}{one('secret quiet private hidden')}",
            (
                rf"{one('just keep stay stays only be its thats remain this')} {some('it this that')}between "
                rf"(?:us|{YOU} (?:and|n) (?:me|i)|(?:me|i) (?:and|n) {YOU}|the two of us)"
            ),
            rf"(?:can|could|will) {YOU} keep {some('a my our')}secrets?",
            rf"(?:delete|erase|hide|clear) {_ALL}{one('messages msgs chats texts dms convo convos conversation')}",
            (
                rf"(?:delete|erase|clear) {one('this our the ur your')} {one('chat convo dms history chat_history')}"
                rf"(?: {one('after afterwards ok okay pls please when so too before later')}| \?|\Z)"
            ),
            rf"keep {some('it this that us', 2)}lowkey",
            rf"{one('did have will would gonna')} {YOU} {some('ever gonna')}(?:tell|told) {_THEM}",
            rf"promise {some('me')}(?:{YOU} (?:wont|will not|never)|(?:not to|to not)) tell",
        ),
        examples=(
            "don't tell your mum",
            "our little secret",
            "keep this between us",
            "can you keep a secret?",
            "promise me you won't tell",
            "delete our messages after",
        ),
        counter_examples=(
            "don't tell me",
            "the secret key is wrong",
            "delete the chat plugin",
            "don't tell them what to buy",
        ),
    ),
    PatternSignal(
        name="isolation",
        stage="isolation",
        meaning="sets the other person apart from family and friends",
        cues=cues(
            """understand understands appreciate deserve need care cares treat listen love get trust knows jealous fake
            immature approve know loves gets against"""
        ),
        also=YOU_CUES | cues("us them"),
        patterns=(
            (
                rf"(?:they|she|he|{YOUR} {PARENTS}|{YOUR} friends|{ANYONE}|people|(?:boys|guys) "
                rf"{YOUR} age) {some('else just')}"
                rf"{one('dont doesnt wont will_never never wouldnt cant do_not didnt')} {some('really ever even', 2)}"
                rf"{one('understand appreciate deserve care_about get listen_to love')} (?:{YOU}|us)"
            ),
            (
                rf"{one('nobody no_one noone no1')} {some('else ever really')}"
                rf"{one('understands cares_about knows loves')} (?:{YOU}|us)"
            ),
            rf"{YOU} dont need (?:them|{YOUR} friends|{YOUR} {PARENTS}|{ANYONE})",
            (
                rf"{one('understand understands know treat care_about care_for listen_to get')} {YOU} "
                rf"{one('like the_way better_than more_than as_well_as')} {one('i me they he')}"
            ),
            rf"(?:dont|do not) trust (?:{YOUR} (?:friends|{PARENT})|them)",
            (
                rf"only (?:one|person) {some('who that')}{some('really truly')}"
                rf"{one('understands gets cares_about knows')} {YOU}"
            ),
            rf"{YOUR} friends (?:are|r) {some('just so all', 2)}{one('jealous fake immature against')}",
            (
                rf"{YOUR} (?:{PARENTS}|friends) {some('just')}{one('dont doesnt wont wouldnt would_not will_not')} "
                rf"{one('understand approve care get_it')}"
            ),
        ),
        examples=(
            "they don't understand you like I do",
            "you don't need your friends",
            "nobody understands you",
            "your parents wouldn't understand",
        ),
        counter_examples=("I don't understand the question", "you don't need that package", "they deserve the win"),
    ),
    PatternSignal(
        name="move_off_platform",
        stage="isolation",
        meaning="suggests moving to another app or a private place to talk",
        cues=APP_CUES | cues("private privately app somewhere someplace off dm dms instead there rn"),
        patterns=(
            (
                rf"{YOU} {some('have got use on hav ever get download using any a an ur your', 3)}"
                rf"{APP}(?: (?:\?|so|or|we|i|too)|\Z)"
            ),
            rf"(?:{WHAT}|{one('gimme give_me send_me have get need drop')}) {YOUR} {APP}",
            rf"(?:{WHAT}|drop|send me|give me) {YOUR} {APP} {one('user username name tag id handle code')}",
            rf"{YOUR} {APP} \?",
            rf"{one('add dm message text msg snap')} me {one('there instead private privately rn')}",
            (
                rf"{one('just can_u can_you u_can you_can pls please should lets hmu')} dm me"
                rf"(?! {one('for if your ur the a an with about when any')}(?!\S))"
            ),
            (
                rf"{one('go come talk chat switch move lets wanna can_we')} {some('to in over ur my the just go', 2)}"
                rf"(?:dms|dm)(?! {one('are for if')}(?!\S))"
            ),
            (
                rf"{one('add text msg message hit hmu im dm find call email contact get catch')} me {some('up')}"
                rf"{one('on at thru in with through')} {some('my')}{APP}"
            ),
            (
                rf"{one('talk chat go move switch meet get text come hop sign talking chatting continue')} "
                rf"(?:to me |to {YOU} |over |back |this )?{one('on to onto over_to thru')} {APP}"
            ),
            rf"{one('add here_is heres take this_is')} {one('my me mine')} {some('on')}{APP}",
            rf"my {APP} {one('is id name sn user username')}",
            (
                rf"{one('talk chat go somewhere place us speak text')} {GAP1}{some('in')}(?:private|privately)"
                rf"(?! {one('server channel message messages key repo school company')}(?!\S))"
            ),
            rf"{one('talk chat go')} (?:somewhere|someplace) else",
            rf"{one('another different other better')} app to (?:talk|chat)",
            rf"{one('talk chat go get move')} off {one('here this this_site this_app')}",
        ),
        examples=(
            "do you have snapchat?",
            "add me on whatsapp",
            "lets talk on kik instead",
            "can we go somewhere more private",
            "what's ur insta",
        ),
        counter_examples=("discord is down again", "this repo is private", "the yahoo logo is purple", "snap to grid"),
    ),
    PatternSignal(
        name="meet_up",
        stage="approach",
        meaning="suggests meeting in person",
        cues=cues("meet meeting person irl life face hang hangout chill link"),
        patterns=(
            (
                rf"(?:{WANT}|{one('want can could should will would lets if when ever ok so')}) "
                rf"{some('ever still really just like love to we i u you go gonna actually be able', 4)}meet "
                rf"(?:me|{YOU}|up|in person|irl|in real life|somewhere|some where|{LATER}|\?)(?! (?:guys|there))"
            ),
            rf"(?:{WANT}|{one('can_we could_we should_we lets')}) meet",
            rf"(?:meet|see|meeting|seeing) (?:me |{YOU} |up )?{one('in_person irl in_real_life face_to_face')}",
            rf"(?:{WANT}|{one('can_we could_we should_we lets')}) {some('ever just')}link up",
            r"meet (?:me|up) (?:alone|somewhere)",
            (
                rf"(?:{WANT}|{one('can_we could_we should_we we_should lets')}) {some('ever just')}"
                rf"{one('hang hang_out hangout chill')} {one('with_me sometime some_time alone together just_us')}"
            ),
        ),
        examples=("wanna meet?", "can we meet in person", "would u ever meet me", "we should hang out sometime"),
        counter_examples=("nice to meet you", "the meeting is at four", "requirements that meet it", "hang on"),
    ),
    PatternSignal(
        name="come_over",
        stage="approach",
        meaning="suggests a visit, a lift, or slipping out",
        cues=cues("come pick visit sneak hotel motel over mine ride lift"),
        patterns=(
            (
                rf"(?:{ILL}|{WANT}|{one('can could may should want_me_to if when')}) {some('i just like to love', 2)}"
                rf"(?:come (?:over|see {YOU}|visit|get {YOU}|pick {YOU}|to {YOUR} (?:house|place)|meet {YOU})"
                rf"|visit {YOU}|pick {YOU} up|pick up {YOU})"
            ),
            (
                rf"(?:{one('can could will would if let')}|{WANT}) {YOU} {GAP1}"
                rf"{one('sneak_out come_over come_see_me come_to_my come_visit')}"
            ),
            rf"sneak (?:{YOU} )?(?:out|over|away)",
            rf"(?:{ILL}|{one('can_i could_i want_me_to')}) {some('just')}give {YOU} a (?:ride|lift)",
            rf"{one('come_to come_over_to')} (?:mine|my (?:place|house|flat|apartment|car))",
            rf"{one('get got have rent')} {some('us a the', 2)}(?:hotel|motel)",
        ),
        examples=("i could come over", "can i pick you up", "could you sneak out", "i can get a hotel"),
        counter_examples=("come on", "pick a card", "the hotel map is done", "sneak attack"),
    ),
)

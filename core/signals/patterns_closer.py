"""The pattern signals about trust and closeness: data only.

Like `core.signals.patterns`, whose docstring says how to add one.
"""

from __future__ import annotations

from core.signals.pattern import PatternSignal
from core.signals.words import (
    ARE,
    DONT,
    GAP1,
    GAP2,
    GAP3,
    ILL,
    IM,
    PIC,
    PIC_CUES,
    WANT,
    WHAT,
    YOU,
    YOU_CUES,
    YOUR,
    YOURE,
    cues,
    one,
    some,
)

_PRESENT = one(
    """money robux roblox vbucks v_bucks nitro present presents gift gifts gift_card giftcard gift_cards giftcards cash
    dollars bucks phone iphone cell webcam cam skin skins battlepass battle_pass gamepass laptop necklace ring clothes
    paypal cashapp venmo"""
)
_GAME_MONEY = one("robux vbucks v_bucks nitro skins skin giftcard gift_card giftcards battlepass battle_pass gamepass")
_PRETTY = one("beautiful pretty cute gorgeous sexy hot handsome stunning special adorable hottie cutie attractive")
_BF = one("boyfriend bf girlfriend gf boyfriends bfs")

PATTERNS_CLOSER: tuple[PatternSignal, ...] = (
    PatternSignal(
        name="gifts",
        stage="trust",
        meaning="offers money, presents or game currency",
        cues=cues(
            """buy money robux roblox vbucks bucks nitro present presents gift gifts card cards giftcard giftcards pay
            spoil cash dollars phone iphone cell webcam cam skin skins battlepass pass gamepass laptop necklace ring
            clothes paypal cashapp venmo $"""
        ),
        patterns=(
            (
                rf"(?:{ILL}|{one('ill_just want_me_to i_might if_i should_i i i_already i_just')}) "
                rf"{one('buy bought got get give gave send sent')} {YOU} {GAP3}(?:{_PRESENT}|\$)"
            ),
            rf"(?:{ILL}|want me to|should i|may i|i would love to) (?:buy|spoil) {YOU}",
            rf"(?:{ILL}|if i) pay (?:for )?{YOU}(?! back)",
            (
                rf"{YOU} {one('want need like')} {some('some any free more')}"
                rf"{one('money cash robux vbucks nitro present presents gift gifts')}"
            ),
            rf"{one('got have bought')} {some('a some little nice', 3)}(?:presents?|gifts?) (?:for|4) {YOU}",
            rf"free {_GAME_MONEY} {one('for 4 if')} {YOU}",
            rf"{one('want wanna need like u_want you_want')} {some('some any free more sum a', 2)}{_GAME_MONEY} \?",
            rf"(?:{ILL}|{one('i_can i_could lemme should_i')}) {some('just')}gift {YOU}",
            rf"{_GAME_MONEY} (?:if|for) {YOU} {some('just')}{one('send show call come tell add meet do turn')}",
        ),
        examples=(
            "I'll buy you some robux",
            "ill send u money",
            "do you want free nitro",
            "got a little present for you",
        ),
        counter_examples=(
            "I bought a present for my sister",
            "do you have change",
            "robux are expensive",
            "I won't pay you",
        ),
    ),
    PatternSignal(
        name="flattery",
        stage="trust",
        meaning="flatters the other person's looks or ways",
        cues=cues(
            """beautiful pretty cute gorgeous sexy hot handsome stunning special adorable hottie cutie attractive
            amazing baddie stunner goddess cutest prettiest"""
        ),
        patterns=(
            (
                rf"(?:{YOURE}|{YOU}|{YOU} (?:look|sound|seem)) "
                rf"{some('so such very really too a an damn is are r look looked one the most real all totally', 3)}"
                rf"{_PRETTY}"
                rf"(?! {one('good sure much well bad cool fast close far late early key case day in_here at')}(?!\S))"
            ),
            rf"{YOURE} {some('so such a an the', 2)}{one('baddie stunner goddess cutest prettiest')}",
            rf"{one('beautiful gorgeous pretty sexy cute')} {one('girl boy lady eyes smile lips baby body thing')}",
            (
                rf"{one('hi hey hello hiya morning night goodnight')} {some('there')}"
                rf"{one('beautiful gorgeous sexy cutie hottie handsome')}"
            ),
            rf"{YOUR} {one('eyes smile hair face lips')} {ARE} {some('so very really')}(?:{_PRETTY}|amazing)",
        ),
        examples=("ur so cute", "you are beautiful", "hey gorgeous", "you look so pretty", "what a pretty smile"),
        counter_examples=(
            "you are pretty good at this",
            "that map is beautiful",
            "the oven is hot",
            "you're not special cased",
        ),
    ),
    PatternSignal(
        name="age_minimising",
        stage="trust",
        meaning="plays down a difference in age",
        cues=cues("age ages mature older old young grown"),
        patterns=(
            (
                rf"age {some('really just only is s aint isnt doesnt dont does not but never a no', 4)}"
                rf"{one('number num matter matters nothing bother bothers')}"
            ),
            (
                rf"{YOURE} {some('so very really rly actually lowkey such a', 3)}mature"
                rf"(?! {one('enough cheese content rated')}(?!\S))"
            ),
            rf"mature (?:for|4) {one('your ur youre a')} ?(?:age)?",
            (
                rf"{YOU} {one('seem act sound look talk are r')} "
                rf"{some('so very much more way really a lot alot like', 3)}"
                rf"{one('older mature')}"
            ),
            rf"older than (?:{YOUR} age|{YOU} (?:are|look|r))",
            rf"older {one('guy guys man men boy boys dude dudes woman women girl girls')}",
            rf"{one('too 2 to')} old (?:for|4) (?:{YOU}|me)",
            rf"{one('too 2 to')} young (?:for|4) me",
            rf"{one('is does do if with about mind bout of')} my age",
            (
                rf"{one('mind ok okay cool alright fine bother bothers care problem scared weird scare')} "
                rf"{some('you u with that if me about cuz being by it im i am', 5)}"
                rf"{some('so much a lot alot way an', 2)}older"
            ),
            r"(?:our|the) age (?:difference|gap|diff)",
            rf"old enough (?:to|2) be {YOUR}",
        ),
        examples=(
            "age is just a number",
            "you're so mature for your age",
            "do you mind that im older",
            "am I too old for you",
            "you like older guys?",
        ),
        counter_examples=(
            "what age is the tree",
            "the older version works",
            "I'm too old to run",
            "young players welcome",
        ),
    ),
    PatternSignal(
        name="trust_appeal",
        stage="trust",
        meaning="offers themselves as somebody to trust",
        cues=cues("trust anything everything"),
        patterns=(
            (
                rf"{YOU} {one('can could know should need_to have_to gotta')} "
                rf"{some('always really totally you u can', 3)}trust me"
            ),
            rf"i {some('can do really')}trust {YOU}(?! {one('guys all to on with_the')}(?!\S))",
            rf"trust me {one('baby hun babe sweetie honey')}",
            (
                rf"{YOU} (?:can|could) {some('always')}{one('tell talk_to ask share_with')} me "
                rf"{some('about')}(?:any|every)thing"
            ),
        ),
        examples=("you can trust me", "you can tell me anything", "u know i trust u", "u should trust me"),
        counter_examples=("I trust the benchmark", "don't trust me on that number", "trusted keys are in the ring"),
    ),
    PatternSignal(
        name="trust_test",
        stage="trust",
        meaning="tests whether they are trusted, or the other person can be",
        cues=cues("trust trusted prove"),
        patterns=(
            rf"{one('do dont can will would did if you u so')} {YOU} {some('really even not still')}trust me",
            rf"if {YOU} {some('really truly')}{one('trust trusted')} me",
            (
                rf"{one('can could how_do_i_know hope know if wish think guess')} {some('i')}{some('can could')}"
                rf"{some('really')}trust {YOU}(?! {one('guys all to with_the')}(?!\S))"
            ),
            rf"prove {some('it that')}(?:{YOU} {one('trust love like want')}|(?:to|2) me)",
        ),
        examples=(
            "do you trust me?",
            "how do I know I can trust you",
            "prove you trust me",
            "if u trusted me u would",
            "can i trust u",
        ),
        counter_examples=("I trust the benchmark", "can I trust this package", "prove the lemma", "he trusted them"),
    ),
    PatternSignal(
        name="reassurance",
        stage="trust",
        meaning="says there is nothing to be afraid of",
        cues=cues(
            """scared afraid nervous shy embarrassed hurt bite force weirdo creep creepy stalker freak perv worry
            pressure anything"""
        ),
        patterns=(
            (
                rf"(?:{DONT}|no need to) {some('be get feel')}"
                rf"{one('scared afraid nervous shy embarrassed')} {one('of_me with_me')}"
            ),
            rf"(?:{DONT}|no need to) be {one('shy nervous embarrassed')}",
            rf"(?:are|r|is|so) {YOU} {some('a so still little bit', 3)}{one('scared afraid nervous shy')}",
            (
                rf"{one('i ill i_would id i_will')} {some('wont never not would', 2)}"
                rf"{one('hurt bite force pressure')} (?:{YOU}|anyone)"
            ),
            (
                rf"{one('i ill')} {some('wont would never not', 2)}(?:do|make {YOU} do) anything "
                rf"{YOU} (?:dont|do not|didnt)"
            ),
            (
                rf"{IM} {some('really just')}not {some('a some like', 2)}{GAP1}"
                rf"{one('weirdo creep creepy stalker freak perv')}"
            ),
            (
                rf"nothing to (?:worry about|be {one('scared afraid nervous embarrassed')}) "
                rf"{some('of about')}(?:with|from|of) me"
            ),
        ),
        examples=(
            "don't be shy",
            "are you nervous?",
            "I would never hurt you",
            "I'm not a weirdo",
            "dont be scared of me",
        ),
        counter_examples=("the dog is shy", "I was nervous before the exam", "it won't hurt performance"),
    ),
    PatternSignal(
        name="dependency",
        stage="trust",
        meaning="says how much they need the other person",
        cues=cues(
            """thinking thinkin dreaming dreamin dream think mean everything world princess angel without miss missed
            missing waited waiting leave forget ignore only"""
        ),
        also=YOU_CUES | cues("me"),
        patterns=(
            (
                rf"{one('cant cannot couldnt can_not')} {one('stop quit help')} "
                rf"{one('thinking thinkin dreaming dreamin')} "
                rf"{one('of about bout')} {YOU}"
            ),
            (
                rf"{one('been was am im always just keep be constantly')} {some('sitting here just always still', 2)}"
                rf"{one('thinking thinkin dreaming dreamin')} {one('of about bout')} {YOU}"
            ),
            (
                rf"(?:think|dream) {one('of about bout')} {YOU} "
                rf"{one('all every at_night constantly so a_lot alot always')}"
            ),
            rf"{YOU} mean {one('everything the_world so_much alot a_lot')} to me",
            rf"{YOURE} (?:my {one('everything whole_world world only_one princess angel')}|everything to me)",
            rf"{one('live be go_on sleep')} without {YOU}(?! (?:guys|all))",
            rf"{one('miss missed missing')} {YOU} {one('so baby babe hun sweetie like_crazy bad badly already')}",
            rf"i {one('waited was_waiting been_waiting have_been_waiting')} {GAP3}for {YOU}",
            (
                rf"(?:dont|never) {some('ever')}{one('leave forget ignore')} (?:me|about me)(?! "
                rf"{one('a the out hanging')}(?!\S))"
            ),
        ),
        examples=(
            "I can't stop thinking about you",
            "you mean everything to me",
            "please don't leave me",
            "i was just thinking about u",
        ),
        counter_examples=(
            "I was thinking about lunch",
            "it works without you restarting",
            "don't leave me a voicemail",
        ),
    ),
    PatternSignal(
        name="asks_liking",
        stage="trust",
        meaning="asks whether the other person likes, wants or misses them",
        cues=cues("like love miss missed want think"),
        also=cues("me im i"),
        patterns=(
            (
                rf"(?:do|did|will|so|dont) {YOU} {some('still really even ever just')}"
                rf"{one('like love miss want')} me(?! (?:to|2)(?!\S))"
            ),
            rf"{YOU} {some('still really')}(?:like|love|miss|missed|want) me {some('too')}\?",
            rf"(?:what|wat) (?:do )?{YOU} {some('really')}think (?:of|about) me",
            rf"{YOU} think {one('im i_am i_m')} {some('so a too kinda')}{one('cute hot sexy handsome ugly ok nice')}",
        ),
        examples=("do you like me?", "u miss me?", "so do u think im cute", "what do you think of me"),
        counter_examples=("do you like meat", "would you like me to restart it?", "what do you think of the patch"),
    ),
    PatternSignal(
        name="love_declared",
        stage="intimacy",
        meaning="says they love the other person",
        cues=cues("love luv lov adore ily ilysm ❤"),
        patterns=(
            (
                rf"(?:i|and|but|do) {some('really think do still just so i', 3)}{one('love luv lov adore ❤')} {YOU}"
                rf"(?! {one('guys all for mom mommy mum dad daddy have can know should must would')}(?!\S))"
            ),
            rf"in love with {YOU}",
            r"ily(?:sm)?",
        ),
        examples=("I love you", "i really luv u", "im in love with you"),
        counter_examples=("I love you guys", "I'd love to see that map", "she loves her cat"),
    ),
    PatternSignal(
        name="romance",
        stage="intimacy",
        meaning="speaks of being a couple, of kissing or holding",
        cues=cues(
            """girlfriend boyfriend gf bf kiss kissing hold holding cuddle cuddling hug hugging touching marry falling
            fallin fell dating date crush feelings princess girl baby wife valentine lover"""
        ),
        patterns=(
            rf"{one('be b become being')} my {GAP1}{one('girlfriend boyfriend gf bf girl baby princess wife')}",
            rf"{one('falling fallin fell')} {some('in_love')}(?:for|with) {YOU}",
            (
                rf"(?:{ILL}|{WANT}|{one('want would could wish_i_could just and')}) {some('just love_to like_to to')}"
                rf"{one('kiss hold cuddle hug cuddle_with')} {YOU}"
            ),
            rf"{one('kissing holding cuddling hugging touching')} {YOU}",
            rf"{one('date dating')} {some('with')}(?:me|{YOU})",
            rf"{one('marry kiss hold hug')} me",
            rf"(?:crush on|feelings for) {YOU}",
            rf"{YOU} {one('were was could_be')} my {one('girlfriend boyfriend gf bf girl')}",
        ),
        examples=("will you be my girlfriend", "i think im falling for you", "wish i could hold you"),
        counter_examples=("she has a bf", "hold the door", "kiss goodbye to that file", "what date is it"),
    ),
    PatternSignal(
        name="asks_experience",
        stage="intimacy",
        meaning="asks about boyfriends, girlfriends or kissing",
        cues=cues(
            """boyfriend bf girlfriend gf boyfriends bfs kissed kiss dated date dating experience experienced single"""
        ),
        patterns=(
            (
                rf"{one('do did have got had ever are r does so hav')} (?:{YOU} )?{GAP2}{_BF}(?! "
                rf"{one('is and_i was who has')}(?!\S))"
            ),
            (
                rf"{YOU} (?:{GAP1}{one('have got had hav')} )?"
                rf"{some('a any many no ur older other', 2)}{_BF}(?: now)?(?: \?|\Z)"
            ),
            rf"how old {one('is was')} {YOUR} {some('last ex first')}{_BF}",
            rf"ever {some('been really actually')}{one('kissed kiss dated been_kissed')}",
            rf"{one('been have did do you u')} kissed {one('a any anyone any1 before by him her ur your many')}",
            rf"{YOUR} first (?:kiss|date)",
            rf"(?:are|r) {YOU} {some('still')}{one('single dating_anyone dating_any1 experienced')}",
            (
                rf"{one('much any what ur your have had')} {GAP1}experience (?:with|w) "
                rf"{one('guys boys men girls a_guy a_boy')}"
            ),
        ),
        examples=("do you have a boyfriend?", "u got a bf", "have you ever kissed anyone", "are you single"),
        counter_examples=(
            "my bf is here",
            "single player mode",
            "years of experience with git",
            "her boyfriend kissed her",
        ),
    ),
    PatternSignal(
        name="asks_photo",
        stage="intimacy",
        meaning="asks for a photo of the other person",
        cues=PIC_CUES,
        patterns=(
            (
                rf"{one('see send sent show get email mail text want trade exchange take share give')} "
                rf"{GAP2}{YOUR} {GAP1}{PIC}"
            ),
            (
                rf"(?:{YOU} {some('have got hav gotta ever')}|"
                rf"{one('have got send_me send show_me see gimme email_me text_me take')} )"
                rf"{some('a an any some more another nice cute recent new other good me', 3)}{PIC}"
                rf"(?: of (?:{YOU}|yourself|urself)|(?! {one('of for 4 from')}(?!\S)))"
            ),
            rf"{PIC} of {one('you u urself yourself')}(?! and)",
            rf"{PIC} {one('please plz pls')}",
        ),
        examples=(
            "send me a pic",
            "got any pics?",
            "can i see your picture",
            "u have a photo of u",
            "send a selfie please",
        ),
        counter_examples=(
            "a picture of my dog",
            "don't send me pics",
            "the picture on the box",
            "I took pictures of the bridge",
        ),
    ),
    PatternSignal(
        name="photo_trade",
        stage="intimacy",
        meaning="offers or sends photos of themselves",
        cues=PIC_CUES,
        patterns=(
            rf"{PIC} (?:for|4) {some('a ur your')}{PIC}",
            rf"{one('swap trade exchange trading swapping')} {PIC}",
            (
                rf"(?:{ILL}|i|i just) {one('send sent show email emailed mail text give trade')} {YOU} "
                rf"{some('a my some one another more of few', 3)}{PIC}"
            ),
            rf"(?:{WANT}|want|wanna) {some('see get')}my {PIC}",
            rf"{one('did do have')} {YOU} {one('get see like got seen')} my {PIC}",
            rf"{one('heres here_is sending sent send_you send_u')} (?:{YOU} )?{some('a some another', 2)}{PIC} of me",
            rf"{one('heres here_is sending_you sending_u')} my {PIC}",
        ),
        examples=("pic for pic", "ill send u a pic", "want to see my pic?", "did you get my pic"),
        counter_examples=("I took a picture of the sunset", "my pics folder is full", "I won't send you my pic"),
    ),
    PatternSignal(
        name="video_call",
        stage="intimacy",
        meaning="asks to see the other person by camera",
        cues=cues("cam cams webcam webcams camera facetime ft skype video vc call"),
        patterns=(
            (
                rf"{one('have got hav get turn see on with use where_is wheres accept view watch put hook open')} "
                rf"{some('a an any your ur me on up the my web you u', 3)}{one('cam cams webcam webcams')}"
            ),
            rf"{YOUR} {one('cam webcam camera')}",
            rf"{YOU} {some('have got on a', 2)}(?:cam|webcam)",
            rf"(?:facetime|skype) (?:me|with me|(?:with )?{YOU}|now|tonight)",
            rf"(?:{WANT}|can we|can {YOU}|could we|lets|will {YOU}) {some('just')}{one('facetime ft skype vc')}",
            rf"{one('get hop jump come join')} {some('on in a')}(?:facetime|ft|cam) {one('with rn now tonight later')}",
            rf"{one('get hop jump come')} {some('on in', 2)}(?:vc|call|a call) {one('with_me alone just_us just_me')}",
            rf"{one('cam camera')} (?:on|off) (?:\?|{one('pls please for_me 4_me')})",
            rf"(?:{WANT}|{one('can_we could_we lets do_a')}) {some('do have a', 2)}video (?:call|chat)",
        ),
        examples=("do u have a cam?", "turn on your webcam", "can we facetime", "lets video chat"),
        counter_examples=("the camera angle in this game is bad", "I watched a video", "my cam is broken"),
    ),
    PatternSignal(
        name="sexual_talk",
        stage="intimacy",
        meaning="brings up the body, clothing or sex",
        cues=cues(
            """virgin virginity wearing wearin wear sex sexual sexually naked nude nudes undressed body condom condoms
            naughty turn turns turned turning touch clothes shirt"""
        ),
        patterns=(
            rf"{one('are r if ur youre still u')} {some('you u still a is', 3)}virgin",
            rf"(?:{YOUR}|my) virginity",
            (
                rf"(?:{WHAT}|whatcha) {some('else')}{some('are r do')}(?:{YOU} )?"
                rf"{one('wearing wearin wear_to_bed wear_to_sleep')}"
            ),
            rf"(?:{YOU}|{YOURE}) (?:wearing|wearin) {GAP3}(?:\?|{one('bed right_now rite_now now')})",
            (
                rf"{one('have had having hav want like about ever bout wanna love safe phone before talk')} sex"
                rf"(?! {one('of_the ed education and_the change drugs')}(?!\S))"
            ),
            rf"(?:sexually|sexual) {one('active experience things stuff feelings questions fantasies contact')}",
            rf"(?:{one('get be being sleep me see lay')}|{YOU}) {GAP1}{one('naked nude undressed')}",
            rf"(?:take|taking) {some('off')}{YOUR} (?:clothes|shirt)",
            rf"(?:{YOUR}|nice|hot|sexy) body(?! {one('text tag paragraph temp temperature weight height')}(?!\S))",
            rf"{one('turn turns turned turning')} (?:{YOU}|me) on(?! {one('to the')}(?!\S))",
            rf"(?:{one('feel be being get something little so very bit')}|{YOU}) naughty",
            rf"touch (?:{YOU}|yourself|urself|{YOUR} body)",
            rf"{one('use have get using bring need wear buy')} {some('a any some')}condoms?",
            r"nudes",
        ),
        examples=("are you still a virgin", "what are you wearing to bed?", "what r u wearing", "you have a nice body"),
        counter_examples=(
            "she is wearing a red hat",
            "the body text is too small",
            "turn the lights on",
            "sex: f in the form field",
        ),
    ),
)

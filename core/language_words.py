# ruff: noqa: RUF001 - letters of other alphabets are what this is about
"""Everyday words, by which `core.language` tells languages apart; our own lists, written down from general knowledge.

Leans on nothing. Canonical tokens (`core.text`), in lower case and without apostrophes. An everyday word of both
English and another language ("a", "no", "me", "die"), or one that English chat writes as a name, a command or an
abbreviation ("git", "la"), is in neither. Norwegian stands with Danish, Slovak with Czech, Malay with Indonesian,
Serbian and Bosnian with Croatian: telling neighbours apart would change nothing.
"""

ENGLISH = """
about above abt actually add afk after again against aint alive alone already also always amazing and another any
anyone anything are arent around asap ask asked asking ass at away awesome baby back bad bc be beautiful because been
before being believe below best better between big bit body both bought boy boys brb break bring bro broke brother
brought btw build built but buy by bye call called came can cant car care change changed check city close cold come
comes coming computer cool cos could couldnt country coz crazy cute cuz da dad damn dat day days dead did didnt die
died different dis does doesnt dog done dont down drive dude dunno during each easy eat eating end even every everybody
everyone everything eye eyes ez face fact false family father feel feeling feels felt few fight find fine first five
fix fixed food for forget forgot found four free friend friends from fuck fucking full funny fyi game games gave get
gets getting gg gimme girl girls give given gives giving go god goes going gone gonna good got gotta great guess guy
guys had hair hand hands happen happened happens happy hard hasnt hate have havent having head hear heard heart hell
hello help helps her here heres hes hey hi high him his hold home hope hot hour hours house how hows hungry i id idea
idk if ill im imo into is isnt it its ive job join just keep kept kid kids kill killed kind kinda kinds knew know known
knows last learn learned leave left lemme let lets life like listen little live living long look looked looking looks
lose lost lot lots love low made make makes making man many may maybe mean means meant meet men met might mind minute
minutes mom money month more morning most mother move movie much mum music must my nah name need needed needs never new
next nice night nobody nope not nothing now np nvm of off often oh ok okay old omg one only oops open other our out
over own part pay people person phone place play played playing please pls plz point ppl pretty probably problem put
question r read ready really reason remember right rn room run running sad said same saw say saying says school second
see seeing seem seemed seems seen sees sell send sent shall she shes shit short should shouldnt show sick side sister
sit sleep sleeping small some someone something sometimes sorry sorta speak stand start started stay still stop stopped
story stuff stupid such sup sure take taken takes taking talk talked talking tbh tell tells than thank thanks that
thats the their them then there theres these they theyre theyve thing things think thinks this tho those thought three
through thru thx time times tired to today together told tomorrow tonight too took town tried tries true try trying
ttyl turn two ty u under understand until up ur us use used using very wait waiting walk wanna want wanted wants wasnt
wat watch watching water way we week weird welcome well went were werent weve what whats when where wheres which while
who whos why wid win wish with without woman women won wont word words work worked working works world worse worst
would wouldnt wow wp write writing wrong wrote wtf wth wut ya yea yeah year years yep yes yesterday yet yo you youll
your youre youve yup
"""

EVERYDAY = {
    "es": """
        una unos que por para como cuando donde quien porque pero tambien también muy mucho mucha hola gracias buenas
        buenos dias noches tardes sí tú ella nosotros ustedes eres soy estas estás esta está estoy estamos estan están
        tengo tienes tiene hacer hago haces hace quiero quieres quiere puedo puedes puede vamos voy vas ir ser nada
        algo todos todas ahora hoy mañana ayer aqui aquí alla eso esto este esa del más nos jaja jajaja amigo amiga
        casa dale claro bueno entonces verdad siempre nunca porfa xq pq tqm gusta dijo
        """,
    "pt": """
        uma que não nao por para como quando onde quem porque também tambem muito muita bem oi olá ola obrigado
        obrigada dia noite tarde voce você vc vcs ele ela nós nos eles são está estou tá tenho fazer faço faz quero
        quer posso pode vamos vou vai foi ser nada algo tudo todos agora hoje amanhã amanha ontem aqui isso isto esse
        essa das mais já meu minha seu sua kkk kkkk beleza gente então entao né sei acho gosto aí pra
        """,
    "fr": """
        une du est sont que qui quoi où quand pourquoi parce mais aussi très tres salut bonjour bonsoir coucou merci
        oui je elle nous vous ils elles suis êtes etes sommes avez avons ont fais fait faire veux veut peux peut vais
        vas aller être etre avoir rien tout tous toute maintenant aujourd hui demain hier ici là ce cette ces ça avec
        sans dans par jamais toujours mes tes ses moi toi lui leur ouais mdr ptdr jsp cest jai tas quil alors donc
        encore
        """,
    "de": """
        der das dem ein eine einen einem und sind bist nicht kein keine dass weil wenn wann wer wie warum aber auch
        sehr schlecht hallo danke bitte nein ich du sie wir ihr mich dich uns euch hab habe hast haben mach mache
        machst macht machen willst kann kannst muss soll geh gehe gehst geht nichts etwas alles alle jetzt heute morgen
        gestern hier dort diese ohne für fur auf aus bei nach von zu zum zur noch schon immer nie mehr doch eben mein
        meine dein deine kommst komme weiß weiss gerade oder vielleicht wieder
        """,
    "it": """
        gli una che sono sei siamo perché perche quando dove cosa anche molto bene ciao grazie buongiorno buonasera
        prego sì lui lei noi voi loro abbiamo fare faccio fai voglio vuoi vuole posso puoi può puo andiamo vado vai
        andare essere niente qualcosa tutto tutti ora adesso oggi domani ieri qui questo questa quello quella del della
        dei delle nel nella senza più piu già gia mio mia tuo tua allora dai sempre poi casa scuola
        """,
    "nl": """
        een niet geen dit maar ook heel veel goed slecht hallo hoi bedankt dank nee ik jij je hij zij wij jullie mij
        jou mijn jouw zijn bent heb hebt heeft hebben doe doet doen wilt kan kunt moet gaat gaan weet niks iets alles
        nu vandaag morgen gisteren hier daar deze zonder voor uit bij naar nog altijd nooit meer toch waar wie waarom
        hoe wanneer gewoon leuk lekker
        """,
    "pl": """
        nie jest są był byl była byla jestem jesteś jestes że kto gdzie kiedy jak dlaczego ale też tez bardzo dobrze
        źle cześć czesc hej dzięki dzieki proszę ona wy oni mnie ciebie mam masz mamy robisz robię robie robi chcę chce
        chcesz mogę moge możesz mozesz może moze idę idziesz coś wszystko teraz dzisiaj dziś dzis jutro wczoraj tam się
        sie za od przed już juz jeszcze zawsze nigdy więc wiec tylko mój moj moja twój twoj twoja dobra spoko wiem
        """,
    "tr": """
        bir şu ile için icin çok cok iyi kötü kotu merhaba selam teşekkürler tesekkurler sağol evet hayır hayir biz siz
        onlar bana sana beni seni benim senin yok değil degil mı nasıl nasil nasılsın nasilsin neden niye nerede zaman
        yapıyorsun yapiyorsun istiyorum istiyor gidiyorum geliyor gel şimdi simdi bugün bugun yarın yarin dün burada
        orada şey sey hiç hic daha sonra önce tamam güzel guzel kadar gibi olur oldu olan abi
        """,
    "sv": """
        det är och att inte jag du mig sig din ett som på från har hade gör göra vill kan ska skulle måste kommer går
        hej tack nej dålig mycket också eller när vad vem hur varför här där nu idag imorgon igår alltid aldrig bara
        allt något inget mer alla okej kanske
        """,
    "da": """
        det og ikke jeg du dere mig meg deg sig din som på har hadde havde gjør gør gøre kan skal skulle må kommer går
        hei hej takk nei nej godt mye meget også eller når hvor hva hvad hvem hvordan hvorfor der nå nu dag morgen
        alltid altid aldri aldrig litt lidt noget ingen mer alle kanskje måske
        """,
    "fi": """
        ei että joka mikä mitä mita kuka missä missa miksi miten milloin kun jos mutta myös myos hyvä hyva hyvin huono
        moi hei kiitos joo juu minä mina mä sinä sina sä hän mun olen oon olet oot ovat oli mulla sulla haluan voin voi
        menen tulen tiedä nyt tänään tanaan huomenna eilen täällä siellä tämä tama vielä aina koskaan enemmän vain vaan
        kaikki jotain ehkä ihan niin
        """,
    "ro": """
        și nu este sunt ea noi voi ei ele mă îl una ce cine unde când cand pentru că sau foarte bine rău rau salut bună
        buna mulțumesc multumesc avem fac faci vreau vrei vrea poți poti poate merg mergi nimic ceva toate acum azi
        astăzi mâine maine ieri aici acolo asta acest cu fără fara din deja mereu meu mea tău tau
        """,
    "cs": """
        je jsem jsi není neni ano že kdo kdy jak proč protože ale taky také velmi dobře dobre špatně ahoj čau cau díky
        diky prosím já ona vy oni mě mám mam máš má děláš delas dělám chci chceš můžu muzu můžeš jdu jdeš něco neco
        všechno teď dnes zítra zitra včera tady tam za od už uz ještě jeste vždy nikdy můj tvůj som nie čo ako
        """,
    "hu": """
        az egy és nem igen hogy vagyok vagy hol mikor hogyan miért miert mert jó jól rossz szia sziasztok köszi
        köszönöm kérem én ők engem téged nekem neked csinálsz csinalsz csinálok akarok akarsz tudok tudsz megyek mész
        semmi valami minden holnap tegnap itt ott ezt azt meg már mar még mindig soha csak nagyon lesz volt
        """,
    "hr": """
        je nije nisam što sta šta tko gdje gde kad kada kako zašto zasto jer također jako dobro loše zdravo bok ćao
        hvala molim ona oni mene tebe meni tebi imam imaš radiš radis radim hoću hocu hoćeš mogu možeš mozes može ideš
        ništa nista nešto nesto sve sada danas sutra jučer juče ovdje ovde tamo ovo taj za od već još jos uvijek uvek
        nikad samo moj moja tvoj tvoja brate
        """,
    "id": """
        yang dari itu tidak nggak gak bukan iya aku saya kamu kau dia kita kami mereka ada apa siapa mana dimana kapan
        bagaimana gimana kenapa karena tapi juga sangat banget baik bagus terima kasih makasih mau bisa boleh harus
        pergi datang sudah udah belum lagi sekarang hari besok kemarin sini sana semua sesuatu dengan untuk pada selalu
        pernah saja aja lebih kok dong sih deh nih tau
        """,
    "tl": """
        ang mga ay ako ikaw siya kami tayo kayo sila niya namin natin nila ito iyan iyon dito diyan doon ano sino saan
        kailan paano bakit kasi pero din rin hindi opo wala meron gusto ayaw pwede puwede punta ngayon bukas kahapon
        lahat naman kumusta kamusta salamat maganda mabuti talaga sige
        """,
    "vi": """
        là và của không khong có được duoc này kia gì đâu nào thế nhưng cũng rất tốt chào cảm ơn xin tôi toi bạn mình
        minh anh chị nó chúng họ đang đã sẽ muốn đi đến làm biết bây giờ hôm nay qua đây đó cho với vào ra rồi nữa chỉ
        thì mà
        """,
}
"""Language (ISO 639-1) -> words."""

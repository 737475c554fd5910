# ruff: noqa: RUF001 - letters of other alphabets are what this is about
"""What is said in a language that the model does not read is never scored, and never silently so."""

from __future__ import annotations

from copy import deepcopy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.effects import Effect, OpenAlert, Scored, Unread
from core.engine import Engine, SpaceState
from core.language import ENGLISH, NAMES, TONGUES, balance
from core.messages import Author, ConversationKey, Message
from core.policy import AlertState, Thresholds
from core.store.states import read_pair
from tests.support import shipped_model, slow_talk

ORDINARY = {
    "es": """
        hola, ¿cómo estás hoy? / yo bien, acabo de llegar del cole / ¿quieres jugar una partida después? / no puedo
        ahora, tengo que hacer la tarea / vale, entonces mañana por la tarde / mi hermano también quiere venir / hace
        mucho calor en mi casa / jaja sí, aquí está igual / me gusta la música que pusiste ayer / gracias, es de un
        grupo nuevo / nos vemos en el parque con todos / claro, hasta luego amigo
        """,
    "de": """
        hallo, wie geht es dir heute / mir geht es gut, bin gerade nach hause gekommen / willst du nachher noch spielen
        / ich kann jetzt nicht, muss noch hausaufgaben machen / okay, dann vielleicht morgen nachmittag / mein bruder
        kommt auch mit / es ist sehr warm bei uns / ja, hier ist es genauso / die musik von gestern war wirklich schön
        / danke, die ist von einer neuen band / wir sehen uns dann mit den anderen im park / alles klar, bis später
        """,
    "fr": """
        salut, comment tu vas aujourd'hui / moi ça va, je viens de rentrer de l'école / tu veux faire une partie après
        / je ne peux pas maintenant, j'ai mes devoirs / d'accord, alors demain après midi / mon frère veut venir aussi
        / il fait très chaud chez nous / oui, ici c'est pareil / j'aime bien la musique que tu as mise hier / merci,
        c'est un nouveau groupe / on se voit au parc avec les autres / ça marche, à plus tard
        """,
    "pt": """
        oi, tudo bem com você hoje / tudo, acabei de chegar da escola / você quer jogar uma partida depois / agora não
        posso, tenho que fazer o dever / beleza, então amanhã de tarde / meu irmão também quer ir / está muito quente
        aqui em casa / kkk sim, aqui está igual / gostei da música que você colocou ontem / obrigado, é de uma banda
        nova / a gente se vê no parque com todo mundo / combinado, até mais
        """,
    "ru": """
        привет, как у тебя дела сегодня / у меня хорошо, только пришёл из школы / хочешь потом поиграть / сейчас не
        могу, надо делать уроки / ладно, тогда завтра днём / мой брат тоже хочет прийти / у нас очень жарко / да, здесь
        то же самое / мне понравилась музыка, которую ты вчера ставил / спасибо, это новая группа / увидимся в парке со
        всеми / хорошо, до встречи
        """,
    "tr": """
        merhaba, bugün nasılsın / iyiyim, okuldan yeni geldim / sonra bir oyun oynamak ister misin / şimdi olmaz, ödev
        yapmam lazım / tamam, o zaman yarın öğleden sonra / kardeşim de gelmek istiyor / bizim evde hava çok sıcak /
        evet, burada da öyle / dün çaldığın müzik çok güzel / teşekkürler, yeni bir grup / parkta herkesle buluşuruz /
        tamam, sonra görüşürüz
        """,
    "pl": """
        cześć, jak się masz dzisiaj / u mnie dobrze, właśnie wróciłem ze szkoły / chcesz potem zagrać / teraz nie mogę,
        muszę odrobić lekcje / dobra, to może jutro po południu / mój brat też chce przyjść / u nas jest bardzo gorąco
        / tak, tutaj jest tak samo / podobała mi się ta muzyka wczoraj / dzięki, to jest nowy zespół / widzimy się w
        parku ze wszystkimi / jasne, to do jutra
        """,
}
ENGLISH_TALK = """
    hey how was school today / it was fine, we had a maths test / do you want to play later / sure, after i eat dinner
    / my brother says he wants to join / ok there is room for one more / did you see the new map yet / yeah it looks
    really good / i have to do my homework first / no problem, just tell me when you are ready / see you in a bit /
    alright talk to you soon
"""


def lines(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.split("/")]


LINES = lines(ENGLISH_TALK)


def said(index: int, text: str, who: str = "actor", **more: object) -> Message:
    key = ConversationKey("test:space", "room")
    return Message(key, str(index), Author(who), text, float(index), partner="target", **more)  # type: ignore[arg-type]


def engine(review: float = 1e-9) -> Engine:
    return Engine(shipped_model(), Thresholds(review / 2, review, 0.999999))


def feed(texts: list[str], state: SpaceState | None = None) -> tuple[SpaceState, list[Effect]]:
    state, ours = state or SpaceState(), engine()
    return state, [effect for i, text in enumerate(texts) for effect in ours.feed(state, said(i, text), 0.0)]


def outcomes(effects: list[Effect]) -> list[str]:
    return [effect.score.outcome for effect in effects if isinstance(effect, Scored)]


@pytest.mark.parametrize("language", ORDINARY)
def test_another_language_is_told_within_forty_words_by_name_and_once(language: str) -> None:
    texts = lines(ORDINARY[language])
    _, effects = feed(texts)
    turned = outcomes(effects).index("unsupported_language")
    assert sum(len(text.split()) for text in texts[: turned + 1]) <= 40
    assert set(outcomes(effects)[turned:]) == {"unsupported_language"}
    unread = [effect for effect in effects if isinstance(effect, Unread)]
    assert [(effect.language, effect.turned) for effect in unread] == [(language, True)]


@pytest.mark.parametrize("language", ORDINARY)
def test_what_cannot_be_read_has_no_score_and_never_alerts_however_low_the_threshold(language: str) -> None:
    _, effects = feed(lines(ORDINARY[language]))
    assert not [effect for effect in effects if isinstance(effect, OpenAlert)]
    for effect in effects:
        if isinstance(effect, Scored) and effect.score.outcome != "scored":
            assert (effect.score.probability, effect.score.level) == (None, "none")


@pytest.mark.parametrize("text", [lines(ENGLISH_TALK), slow_talk()], ids=["ordinary", "pattern"])
def test_english_is_scored(text: list[str]) -> None:
    _, effects = feed(text)
    assert "unsupported_language" not in outcomes(effects)
    assert outcomes(effects)[-1] == "scored"


@pytest.mark.parametrize("language", ORDINARY)
def test_a_mixed_conversation_is_scored_while_english_dominates(language: str) -> None:
    english, other = lines(ENGLISH_TALK), lines(ORDINARY[language])
    mixed = [line for i in range(4) for line in (*english[3 * i : 3 * i + 3], other[i])]
    _, effects = feed(mixed)
    assert "unsupported_language" not in outcomes(effects)


def test_a_conversation_that_turns_to_english_is_scored_again_and_may_alert() -> None:
    state, effects = feed(lines(ORDINARY["es"]))
    assert outcomes(effects)[-1] == "unsupported_language"
    _, effects = feed(slow_talk() * 2, state)
    assert outcomes(effects)[-1] == "scored"
    assert [effect for effect in effects if isinstance(effect, OpenAlert)]


def test_signals_that_need_no_language_are_told_when_they_show() -> None:
    ours, state = engine(), SpaceState()
    effects: list[Effect] = []
    for i in range(12):
        effects += ours.feed(state, said(2 * i, "¿qué haces ahora amigo?"), 0.0)
        answer = said(2 * i + 1, "nada, estoy en casa", "target")._replace(partner="actor")
        effects += ours.feed(state, answer, 0.0)
    told = [(e.turned, e.signals) for e in effects if isinstance(e, Unread) and e.pair.actor == "actor"]
    assert told == [(True, ()), (False, ("one_sided_questions",))]


@pytest.mark.parametrize("text", ["12 34 56 78", "🙂 🙂 🙂", "https://example.org/que/para/como", "lol haha", "pizza"])
def test_numbers_links_emoji_and_laughter_belong_to_no_other_language(text: str) -> None:
    _, effects = feed([text] * 40)
    assert "unsupported_language" not in outcomes(effects)


@given(st.text(max_size=60))
@settings(deadline=None)
def test_any_text_is_read_and_words_are_counted_for_one_side_only(text: str) -> None:
    evidence = shipped_model().reader.read(text)
    assert evidence.english >= 0
    assert evidence.foreign >= 0
    assert not (evidence.english and evidence.foreign)
    assert bool(evidence.foreign) == bool(evidence.language)
    assert evidence.language in {"", *NAMES}


@given(
    st.lists(
        st.sampled_from([line for text in (*ORDINARY.values(), ENGLISH_TALK) for line in lines(text)]), max_size=40
    ),
    st.integers(0, 40),
)
@settings(deadline=None, max_examples=40)
def test_in_one_go_or_with_a_stop_in_between_is_the_same(texts: list[str], cut: int) -> None:
    whole, effects = feed(texts)
    state, first = feed(texts[:cut])
    ours, second = engine(), []
    state = deepcopy(state)
    for i, text in enumerate(texts[cut:], min(cut, len(texts))):
        second += ours.feed(state, said(i, text), 0.0)
    assert (state, first + second) == (whole, effects)


def test_every_language_has_a_name_and_no_list_holds_an_english_word() -> None:
    assert {language for languages in TONGUES.values() for language in languages} <= set(NAMES)
    assert not set(TONGUES) & ENGLISH
    assert all(balance(word) == -1 for word in TONGUES)


def test_states_stored_before_languages_were_told_still_load() -> None:
    old: dict[str, object] = {
        "messages": 3,
        "questions": 0,
        "first_time": None,
        "last_time": None,
        "sums": [0.0] * 12,
        "signals": {},
    }
    pair = read_pair({**old, "first_seen": {}, "logit": 0.0, "moments": []})
    assert (pair.english, pair.foreign, pair.languages) == (0.0, 0.0, {})
    assert AlertState(count=1, open=True).unread is False

"""Many kinds of Discord's channels, messages and cards, played on simcord and checked against Discord's limits.

simcord replaces discord.py's HTTP layer and feeds its real parsers; the wire itself is `tests/test_discord_wire.py`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import simcord
from hypothesis import given
from hypothesis import strategies as st
from simcord.builders import GuildHandle
from simcord.env import Env

from bots.discord_bot import DiscordAdapter, card
from core.casework.cards import Card, Decided, ExcerptLine, MessageRef, Person
from core.messages import ConversationKey, Deletion, Edit, Message
from tests.discord_stage import Ear, alone, cancelled


@dataclass
class Scene:
    env: Env
    guild: GuildHandle
    ear: Ear
    adapter: DiscordAdapter

    async def texts(self) -> list[str]:
        await self.env.settle()
        await self.adapter.settled()
        return self.ear.texts()


GUILD = 1 << 60


@asynccontextmanager
async def scene(**server: Any) -> AsyncIterator[Scene]:
    """A server that the bot sees appear; not a fixture, as simcord wants to begin and end in one task."""
    ear = Ear()
    adapter = alone(ear, **({"id": GUILD, "alert_channel": 1} | server))
    adapter.catchup.since = time.time()
    async with simcord.run(adapter.client(), shard_count=1) as env:
        guild = env.create_guild(id=GUILD)
        handing_over = asyncio.create_task(adapter.feed.run())
        yield Scene(env, guild, ear, adapter)
        await cancelled(handing_over)


async def test_every_kind_of_channel_is_read() -> None:
    async with scene() as on:
        actor = on.guild.add_member(on.env.create_user("actor"))
        channels = [
            on.guild.create_text_channel("text"),
            on.guild.create_news_channel("news"),
            on.guild.create_voice_channel("voice"),
            on.guild.create_stage_channel("stage"),
        ]
        for channel in channels:
            await actor.send(channel, f"in {channel.name}")
        await actor.send_dm("in private")
        assert await on.texts() == ["in text", "in news", "in voice", "in stage", "in private"]


async def test_programs_webhooks_and_pins_are_not_read() -> None:
    async with scene() as on:
        channel = on.guild.create_text_channel("text")
        actor = on.guild.add_member(on.env.create_user("actor"))
        robot = on.guild.add_member(on.env.create_user("robot", bot=True))
        await robot.send(channel, "by a robot")
        await on.guild.create_webhook(channel).send("by a webhook")
        await on.env.bot.get_partial_messageable(channel.id).send("by Lampkeeper")
        await actor.send(channel, "by a person")
        assert await on.texts() == ["by a person"]


async def test_an_answer_with_a_picture_its_edit_and_its_deletion_are_followed() -> None:
    async with scene() as on:
        channel = on.guild.create_text_channel("text")
        target = on.guild.add_member(on.env.create_user("target", global_name="Target"))
        actor = on.guild.add_member(on.env.create_user("actor"))
        first = await target.send(channel, "hello")
        answer = await actor.send(channel, f"hi {target.mention}", reply_to=first, attachments=[("a.png", b"0")])
        await actor.edit(answer, "hi there")
        await actor.delete(answer)
        await on.texts()
        one, two, edited, deleted = on.ear.events
        assert isinstance(one, Message)
        assert one.author == (str(target.id), "Target", None)
        assert isinstance(two, Message)
        assert (two.reply_to, two.mentions, len(two.attachments)) == (str(target.id), (str(target.id),), 1)
        assert isinstance(edited, Edit)
        assert edited.message.text == "hi there"
        assert isinstance(deleted, Deletion)
        assert deleted.id == two.id


def fullest(space: str) -> Card:
    """A card with more of everything than Discord shows."""
    someone = Person("100000000000000001", "**[x](https://a.example)** @everyone " * 20)
    key = ConversationKey(space, "100000000000000002")
    refs = tuple(MessageRef(key, str(10**17 + number), deleted=True) for number in range(50))
    return Card(
        "0123456789abcdef", space, "urgent", 1.0, someone, someone, ("asks for something " * 9,) * 40, refs, 0.0
    )


async def test_the_fullest_card_is_accepted_and_its_buttons_outlive_a_restart() -> None:
    async with scene() as on:
        alerts = on.guild.create_text_channel("alerts")
        adapter = alone(on.ear, id=GUILD, alert_channel=alerts.id, moderator_roles=())
        await on.env.restart_bot(adapter.client())
        reference = await adapter.show(fullest(f"discord:{GUILD}"), None)
        await on.env.restart_bot(adapter.client())
        actor = on.guild.add_member(on.env.create_user("actor"))
        assert alerts.last_message is not None
        assert reference == f"{alerts.id}/{alerts.last_message.id}"
        answer = await actor.click(alerts.last_message, label="Show excerpt")
        assert answer.ephemeral
        assert answer.response is not None
        assert "moderators" in answer.response.content


words = st.text(max_size=2000)
people = st.builds(Person, st.integers(1, 10**19).map(str), words)
refs = st.builds(MessageRef, st.just(ConversationKey("discord:1", "2")), st.integers(1, 10**19).map(str), st.booleans())
cards = st.builds(
    Card,
    alert=st.just("0123456789abcdef"),
    space=st.just("discord:1"),
    level=st.sampled_from(["watch", "review", "urgent"]),
    probability=st.floats(0, 1),
    actor=people,
    target=st.none() | people,
    signals=st.lists(words.filter(bool), max_size=20).map(tuple),
    welfare=st.lists(words.filter(bool), max_size=3).map(tuple),
    messages=st.lists(refs, max_size=20).map(tuple),
    opened=st.floats(0, 2e9),
    decided=st.none() | st.builds(Decided, st.sampled_from(["confirmed", "dismissed"]), people, st.floats(0, 2e9)),
)


@given(cards)
def test_every_card_keeps_within_discords_limits(drawn: Card) -> None:
    embed = card.embed(drawn)
    assert len(embed) <= 6000
    assert all(0 < len(field.value or "") <= 1024 for field in embed.fields)
    assert len(embed.title or "") <= 256


@given(st.lists(st.builds(ExcerptLine, people, st.none() | st.floats(0, 2e9), words, st.booleans(), st.booleans())))
def test_every_excerpt_keeps_within_discords_limits(lines: list[ExcerptLine]) -> None:
    for page in card.excerpt(lines):
        assert len(page) <= 6000
        assert len(page.description or "") <= 4096


@given(st.floats(0, 1))
def test_a_probability_never_reads_as_more_than_it_is(probability: float) -> None:
    someone = Person("1", "actor")
    drawn = Card("0123456789abcdef", "discord:1", "review", probability, someone, None, (), (), 0.0)
    shown = card.embed(drawn).fields[0].value or ""
    assert float(shown.removesuffix(" %").removeprefix(">")) / 100 <= probability + 1e-9

"""PAN-2012: the XML in which most published research on this subject is measured.

``<conversations><conversation id="..."><message line="1"><author/><time/><text/></message>...`` as distributed for the
sexual predator identification task of CLEF 2012 (https://pan.webis.de/clef12/pan12-web/). Read by the standard
library's expat as the file streams in, so that several hundred megabytes need the memory of one conversation. A file
that declares entities is refused: the format has no use for them, and they are how small files are made to grow huge.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import BinaryIO
from xml.parsers import expat  # the declarations that make expat unsafe are refused below

from core.errors import TranscriptError
from core.messages import Author, ConversationKey, Message, tidy
from core.transcripts.transcript import BadLine, Malformed, Transcript, partners, time_of

CHUNK = 1 << 16
_FIELDS = ("author", "time", "text")


def read(stream: BinaryIO, source: str) -> Iterator[Transcript | BadLine]:
    """Read conversations from `stream`; raises `TranscriptError` where the XML stops making sense."""
    conversations = _Conversations(source)
    while True:
        chunk = stream.read(CHUNK)
        yield from conversations.feed(chunk)
        if not chunk:
            return


class _Conversations:
    """Expat's callbacks, collecting finished conversations until `feed` hands them out."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._done: deque[Transcript | BadLine] = deque()
        self._id: str | None = None
        self._line = 0
        self._messages: list[dict[str, str]] = []
        self._open: list[str] = []
        self._field: list[str] | None = None
        self._expat = expat.ParserCreate()
        self._expat.buffer_text = True
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._text
        self._expat.EntityDeclHandler = self._entity

    def feed(self, chunk: bytes) -> Iterator[Transcript | BadLine]:
        """Parse `chunk` (empty: the end) and hand out what it completed, before complaining about the rest."""
        trouble = None
        try:
            self._expat.Parse(chunk, not chunk)
        except expat.ExpatError as error:
            words = expat.errors.messages.get(error.code, "not well-formed")
            trouble = TranscriptError(
                f"{self._source}, line {error.lineno}: the XML cannot be read any further ({words}).",
                "The conversations before it were read; the file may be cut off.",
            )
        except TranscriptError as error:
            trouble = error
        while self._done:
            yield self._done.popleft()
        if trouble is not None:
            raise trouble

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._open and name != "conversations":
            raise TranscriptError(
                f"{self._source} is XML, but not in the format of PAN-2012 (its root is not <conversations>).",
                "Convert it to JSON lines; the README shows the format.",
            )
        self._open.append(name)
        if name == "conversation":
            self._id, self._line, self._messages = attributes.get("id"), self._expat.CurrentLineNumber, []
        elif name == "message":
            self._messages.append({})
        elif name in _FIELDS and self._messages:
            self._field = []

    def _text(self, text: str) -> None:
        if self._field is not None:
            self._field.append(text)

    def _end(self, name: str) -> None:
        self._open.pop()
        if name in _FIELDS and self._field is not None:
            self._messages[-1][name] = "".join(self._field)
            self._field = None
        elif name == "conversation":
            try:
                self._done.append(_transcript(self._id, self._messages))
            except Malformed as problem:
                self._done.append(BadLine(self._source, self._line, str(problem)))
            self._messages = []

    def _entity(self, *_declaration: object) -> None:
        raise TranscriptError(
            f"{self._source} declares XML entities, which PAN-2012 files do not; it was not read any further.",
            "Remove its DOCTYPE.",
        )


def _transcript(identity: str | None, items: list[dict[str, str]]) -> Transcript:
    if identity is None:
        raise Malformed('the conversation lacks "id"')
    key = ConversationKey(f"transcript:{identity}", identity)
    people: dict[str, Author] = {}
    for index, item in enumerate(items):
        for required in ("author", "text"):
            if required not in item:
                raise Malformed(f"message {index} lacks <{required}>")
        name = tidy(item["author"])
        people.setdefault(item["author"], Author(name, name))
    partner = partners(people.values())
    messages: list[Message] = []
    last: float | None = None
    unclear = 0
    for index, item in enumerate(items):
        author = people[item["author"]]
        said = item.get("time", "")
        time = time_of(said, last)
        unclear += time is None and said != ""
        last = last if time is None else time
        messages.append(Message(key, str(index), author, tidy(item["text"]), time, partner=partner.get(author.id)))
    return Transcript(identity, messages, unclear=unclear)

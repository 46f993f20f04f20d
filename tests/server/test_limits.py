"""What a connection may cost: in bytes, in time and in number; and nobody pays for another's."""

import resource

import pytest

from paywall.server.connection_limits import (
    HEAD_WITHIN_SECONDS,
    IDLE_SECONDS,
    WARN_EVERY_SECONDS,
    WRITE_WITHIN_SECONDS,
    ConnectionLimits,
    connections_by_open_files,
)
from paywall.server.request_reader import (
    CHUNKS_MAX,
    HEAD_BYTES_MAX,
    HEADER_FIELDS_MAX,
    TRAILER_BYTES_MAX,
)
from tests.server.echo import BODY_WITHIN_SECONDS, Conversation, Echo

LINE = b"POST /a HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
CHECK = b"POST /v1/access/check HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
CHUNKED = LINE + b"Transfer-Encoding: chunked\r\n\r\n"
PIECE_BYTES = 16_384
FLOOD_PIECES = 64
BUFFERED_BYTES_MAX = HEAD_BYTES_MAX + PIECE_BYTES
A_LITTLE_SECONDS = 0.1


def head_of(size: int) -> bytes:
    """A whole head of this many bytes."""
    begun = LINE + b"A: "
    return begun + b"x" * (size - len(begun) - len(b"\r\n\r\n")) + b"\r\n\r\n"


def head_with(fields: int) -> bytes:
    return LINE + b"A: 1\r\n" * (fields - 1) + b"\r\n"


def trailers_of(size: int) -> bytes:
    """A body of no chunks, with this many bytes of trailers."""
    return CHUNKED + b"0\r\n" + b"A: " + b"x" * (size - len(b"0\r\nA: \r\n\r\n")) + b"\r\n\r\n"


def body_in(chunks: int) -> bytes:
    return CHUNKED + b"1\r\nx\r\n" * chunks + b"0\r\n\r\n"


LIMITS = {
    "bytes of a head": (head_of(HEAD_BYTES_MAX), head_of(HEAD_BYTES_MAX + 1), 431),
    "fields": (head_with(HEADER_FIELDS_MAX), head_with(HEADER_FIELDS_MAX + 1), 431),
    "bytes of trailers": (trailers_of(TRAILER_BYTES_MAX), trailers_of(TRAILER_BYTES_MAX + 1), 431),
    "chunks": (body_in(CHUNKS_MAX), body_in(CHUNKS_MAX + 1), 413),
}


@pytest.mark.parametrize(("at_it", "past_it", "status"), LIMITS.values(), ids=LIMITS)
@pytest.mark.parametrize("last_bytes", [0, 1, 2, 3, 5])
async def test_what_is_at_its_limit_is_read_and_what_is_past_it_refused(
    at_it: bytes, past_it: bytes, status: int, last_bytes: int
) -> None:
    """In one piece, and in two."""
    for stream, expected in ((at_it, 200), (past_it, status)):
        conversation = Conversation()
        cut = len(stream) - last_bytes
        await conversation.receive(stream[:cut], stream[cut:])
        assert [answer for answer, _ in conversation.answers()] == [expected]
        assert conversation.is_over == (expected != 200)
        await conversation.close()


FLOODS = {
    "fields": (LINE, b"A: 1\r\n" * (PIECE_BYTES // 6)),
    "one field": (LINE + b"A: ", b"x" * PIECE_BYTES),
    "a request line": (b"GET /", b"x" * PIECE_BYTES),
    "a check's head": (CHECK[:40], b"x" * PIECE_BYTES),
    "requests": (GET, GET * (PIECE_BYTES // len(GET))),
    "checks": (CHECK, CHECK * (PIECE_BYTES // len(CHECK))),
    "trailers": (CHUNKED + b"0\r\n", b"A: 1\r\n" * (PIECE_BYTES // 6)),
    "an extension": (CHUNKED + b"1;", b"x" * PIECE_BYTES),
    "a body that nobody reads yet": (LINE + b"Content-Length: 9999999\r\n\r\n", b"x" * PIECE_BYTES),
}


@pytest.mark.parametrize(("begun", "piece"), FLOODS.values(), ids=FLOODS)
async def test_a_flood_is_refused_or_waits_in_the_network(begun: bytes, piece: bytes) -> None:
    """What a connection holds of it does not grow: it reads no more, or ends."""
    echo = Echo()
    echo.may_answer.clear()
    conversation = Conversation(echo)
    conversation.connection.data_received(begun)
    pieces = 0
    while not (conversation.transport.is_paused or conversation.is_over):
        conversation.connection.data_received(piece)
        pieces += 1
        assert pieces < FLOOD_PIECES
    assert pieces * len(piece) <= 65_536 + 2 * PIECE_BYTES
    await conversation.close()
    echo.may_answer.set()


class Clients:
    """Connections to one application, and a clock that moves when it is told to."""

    def __init__(self, connections_max: int = 1_000) -> None:
        self.echo = Echo(connections_max)
        self.at = 1_000.0
        self.connections.now = lambda: self.at

    @property
    def connections(self) -> ConnectionLimits:
        return self.echo.connections

    def connect(self) -> Conversation:
        self.at += A_LITTLE_SECONDS
        return Conversation(self.echo)

    def passes(self, seconds: float) -> None:
        """Time passes, and is looked at each second."""
        for _ in range(int(seconds)):
            self.at += 1
            self.connections.close_overdue()
        self.at += seconds % 1
        self.connections.close_overdue()


def is_closed(conversation: Conversation) -> bool:
    return conversation.transport.is_closing()


@pytest.fixture
def clients() -> Clients:
    return Clients()


SLOW_HEADS = {
    "nothing": b"",
    "an empty line": b"\r\n",
    "a byte": b"G",
    "half a head": GET[:20],
    "half a head of a check": CHECK[:60],
    "a check without its end": CHECK[:-1],
}


@pytest.mark.parametrize("begun", SLOW_HEADS.values(), ids=SLOW_HEADS)
async def test_a_first_head_has_to_be_there_in_time(clients: Clients, begun: bytes) -> None:
    conversation = clients.connect()
    await conversation.receive(begun)
    clients.passes(HEAD_WITHIN_SECONDS)
    assert not is_closed(conversation)
    clients.passes(A_LITTLE_SECONDS)
    assert is_closed(conversation)


@pytest.mark.parametrize("first", [GET, CHECK])
@pytest.mark.parametrize("begun", [b"G", GET[:20], CHECK[:60], CHECK[:-1]])
async def test_a_later_head_has_as_long_from_its_first_byte(
    clients: Clients, first: bytes, begun: bytes
) -> None:
    conversation = clients.connect()
    await conversation.receive(first)
    clients.passes(IDLE_SECONDS - 1)
    await conversation.receive(begun)
    clients.passes(HEAD_WITHIN_SECONDS)
    assert not is_closed(conversation)
    clients.passes(A_LITTLE_SECONDS)
    assert is_closed(conversation)


async def test_a_head_that_comes_byte_by_byte_has_no_longer(clients: Clients) -> None:
    conversation = clients.connect()
    for byte in head_of(500):
        await conversation.receive(bytes([byte]))
        clients.passes(1)
        if is_closed(conversation):
            break
    assert len(conversation.transport.written) == 0
    assert clients.at < 1_000 + HEAD_WITHIN_SECONDS + 2


@pytest.mark.parametrize("request_", [GET, CHECK])
async def test_a_connection_without_a_request_is_kept_for_long_and_not_for_ever(
    clients: Clients, request_: bytes
) -> None:
    conversation = clients.connect()
    for _ in range(2):
        await conversation.receive(request_)
        clients.passes(IDLE_SECONDS)
        assert not is_closed(conversation)
    clients.passes(A_LITTLE_SECONDS)
    assert is_closed(conversation)


async def test_the_rest_of_a_body_has_to_come_soon_after_the_answer(clients: Clients) -> None:
    """Whoever was answered before that cannot hold the connection by sending a byte at times."""
    clients.echo.reads_bodies = False
    conversation = clients.connect()
    await conversation.receive(LINE + b"Content-Length: 9\r\n\r\n")
    assert [status for status, _ in conversation.answers()] == [200]
    clients.passes(BODY_WITHIN_SECONDS)
    await conversation.receive(b"x")
    assert not is_closed(conversation)
    clients.passes(A_LITTLE_SECONDS)
    assert is_closed(conversation)


async def test_a_refused_client_may_read_the_answer_and_no_longer(clients: Clients) -> None:
    """It still sends, and would lose the answer in a reset; what it sends is dropped."""
    conversation = clients.connect()
    await conversation.receive(b"no request\r\n\r\n", GET, CHECK)
    assert [status for status, _ in conversation.answers()] == [400]
    assert not is_closed(conversation)
    clients.passes(BODY_WITHIN_SECONDS + A_LITTLE_SECONDS)
    assert is_closed(conversation)


async def test_a_body_that_breaks_off_behind_its_answer_gets_no_second_answer(
    clients: Clients,
) -> None:
    clients.echo.reads_bodies = False
    conversation = clients.connect()
    await conversation.receive(CHUNKED + b"1\r\nx\r\n", b"no chunk\r\n")
    assert [status for status, _ in conversation.answers()] == [200]
    assert is_closed(conversation)


@pytest.mark.parametrize(
    "last",
    [
        LINE + b"Connection: close\r\nContent-Length: 2\r\n\r\nhi",
        b"POST /a HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi",
    ],
    ids=["closing", "HTTP/1.0"],
)
async def test_bytes_after_the_last_request_do_not_replace_its_answer(
    clients: Clients, last: bytes
) -> None:
    clients.echo.may_answer.clear()
    conversation = clients.connect()
    await conversation.receive(last, b"\r\n", GET, b"no request\r\n\r\n")
    assert conversation.answers() == []
    clients.echo.may_answer.set()
    await conversation.receive(b"")
    assert conversation.answers() == [(200, b"hi")]
    assert is_closed(conversation)


async def test_a_refused_client_is_not_asked_for_the_rest_of_its_body(
    clients: Clients, caplog: pytest.LogCaptureFixture
) -> None:
    conversation = clients.connect()
    expecting = LINE + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"
    await conversation.receive(expecting + b"no chunk\r\n")
    assert [status for status, _ in conversation.answers()] == [400]
    assert [it for it in caplog.records if it.levelname == "ERROR"] == []


async def test_an_application_at_work_is_not_interrupted(clients: Clients) -> None:
    """Its deadline is the application's own matter."""
    clients.echo.may_answer.clear()
    conversation = clients.connect()
    await conversation.receive(GET)
    clients.passes(IDLE_SECONDS)
    clients.echo.may_answer.set()
    await conversation.receive(b"")
    assert [status for status, _ in conversation.answers()] == [200]
    assert not is_closed(conversation)


@pytest.mark.parametrize("request_", [GET, CHECK])
async def test_a_client_that_reads_nothing_is_given_up(clients: Clients, request_: bytes) -> None:
    conversation = clients.connect()
    await conversation.receive(request_)
    conversation.transport.unsent_bytes = 9
    clients.passes(WRITE_WITHIN_SECONDS)
    conversation.transport.unsent_bytes = 8
    clients.passes(1 + WRITE_WITHIN_SECONDS)
    assert not is_closed(conversation)
    clients.passes(1)
    assert conversation.transport.is_aborted


async def test_a_client_that_reads_slowly_is_served(clients: Clients) -> None:
    conversation = clients.connect()
    await conversation.receive(GET)
    for unsent in range(5, -1, -1):
        conversation.transport.unsent_bytes = unsent
        clients.passes(WRITE_WITHIN_SECONDS - 1)
    assert not conversation.transport.is_aborted


async def test_one_connection_too_many_costs_the_one_idle_for_longest_its_place(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clients = Clients(connections_max=3)
    busy, first, second = [clients.connect() for _ in range(3)]
    for idle in (second, first):
        await idle.receive(GET)
        clients.passes(1)
    await second.receive(CHECK)
    clients.echo.may_answer.clear()
    await busy.receive(GET)
    for idle in (first, second):
        assert not is_closed(idle)
        newcomer = clients.connect()
        await newcomer.receive(GET)
        assert is_closed(idle)
        assert not is_closed(newcomer)
    assert is_closed(clients.connect())
    assert not is_closed(busy)
    assert len(clients.connections) == 3
    warnings = [it for it in caplog.records if it.levelname == "WARNING"]
    assert len(warnings) == 1
    clients.passes(WARN_EVERY_SECONDS)
    warnings = [it for it in caplog.records if it.levelname == "WARNING"]
    assert [it.__dict__["fields"]["closed"] for it in warnings] == [1, 2]
    assert warnings[0].__dict__["fields"]["connections_max"] == 3
    clients.echo.may_answer.set()
    await busy.receive(b"")


@pytest.mark.parametrize(("open_files", "connections"), [(64, 16), (256, 128), (None, 10_000)])
def test_by_default_connections_leave_room_for_other_open_files(
    open_files: int | None, connections: int
) -> None:
    assert connections_by_open_files(open_files or resource.RLIM_INFINITY) == connections

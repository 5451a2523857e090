"""Whatever a merchant's server answers, an attempt ends with a status or with a NoAnswerError."""

import socket
from collections.abc import Iterator
from http.client import HTTPException
from io import BufferedReader, BytesIO

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from checkout.webhooks import egress, retry
from checkout.webhooks.answers import ANSWER_BYTES, INTERIM_ANSWERS, Answer, read_answer
from tests.webhooks.conftest import serving

DAY = 86_400
NOW = 1_800_000_000
LOCAL = egress.Limits(connect_seconds=5, total_seconds=10, allow_local=True)
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
OVERFLOWING = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"


def read(answer: bytes) -> Answer:
    return read_answer(BufferedReader(BytesIO(answer)))


# ------------------------------------------------------------------------ interim answers


@pytest.mark.parametrize("interim", [(100,), (102,), (103,), (199,), (100, 102, 103, 102)])
def test_interim_answers_are_not_the_final_status(interim: tuple[int, ...]) -> None:
    before = b"".join(b"HTTP/1.1 %d Wait\r\nlink: </a>\r\n\r\n" % each for each in interim)
    with serving(lambda connection: connection.sendall(before + OK)) as url:
        answer = egress.post(url, b"{}", {}, LOCAL)

    assert (answer.status, answer.body) == (200, b"ok")
    assert "link" not in answer.headers


def test_switching_protocols_is_a_final_status() -> None:
    assert read(b"HTTP/1.1 101 Switching Protocols\r\n\r\nanything").status == 101


def test_the_number_of_interim_answers_is_bounded() -> None:
    interim = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    assert read(interim * INTERIM_ANSWERS + OK).status == 200

    with pytest.raises(HTTPException):
        read(interim * (INTERIM_ANSWERS + 1) + OK)


# ------------------------------------------------------------------------ heads and bodies


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"\r\n", b"\r\n\r\n", b"HTTP/1.1 200 OK", b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nretry-after: 5", b"HTTP/1.1 200 OK\r\nretry-after: 5\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n", b"HTTP/1.1 2000 OK\r\n\r\n", b"HTTP/1.1 2_0 OK\r\n\r\n",
        b"HTTP/1.1 +20 OK\r\n\r\n", b"HTTP/1.1 \xb2\xb2\xb2 OK\r\n\r\n", b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n", b"ICY 200 OK\r\n\r\n", b"200 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 20_000 + b"\r\n",
    ],
)  # fmt: skip
def test_an_incomplete_or_malformed_head_is_no_answer(answer: bytes) -> None:
    with (
        serving(lambda connection: connection.sendall(answer)) as url,
        pytest.raises(egress.NoAnswerError) as failure,
    ):
        egress.post(url, b"{}", {}, LOCAL)

    assert failure.value.code == "broken_answer"


@pytest.mark.parametrize(
    ("rest", "body"),
    [
        (b"\r\nuntil the end", b"until the end"),
        (b"content-length: 4\r\n\r\nwholemore", b"whol"),
        (b"content-length: 00000000000000000004\r\n\r\nwholemore", b"whol"),
        (b"content-length: 9\r\n\r\nbroken", b"broken"),
        (b"content-length: -1\r\n\r\nall", b"all"),
        (b"content-length: \xb2\r\n\r\nall", b"all"),
        (b"content-length: 0\r\n\r\nmore", b""),
        (b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n", b"abcde"),
        (b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n-5\r\nde\r\n", b"abc"),
        (b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\nde\r\n", b"abc"),
        (b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n" + b"0" * 1000, b"abc"),
        (b"transfer-encoding: chunked\r\n\r\nffffffff\r\n" + b"x" * 99_999, b"x" * ANSWER_BYTES),
        (b"\r\n" + b"x" * 99_999, b"x" * ANSWER_BYTES),
    ],
)  # fmt: skip
def test_the_first_part_of_the_body_is_read(rest: bytes, body: bytes) -> None:
    answer = read(b"HTTP/1.1 200 OK\r\n" + rest)

    assert (answer.status, answer.body) == (200, body)


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_without_a_body_is_complete_after_its_headers(status: int) -> None:
    """Otherwise the attempt would wait for the end of a connection that stays open."""
    assert read(b"HTTP/1.1 %d Empty\r\n\r\nthe next answer" % status).body == b""


# ------------------------------------------------------------------------------- fuzz


class Server:
    """Answers each request with `answer`, and closes the connection."""

    answer = b""

    def serve(self, connection: socket.socket) -> None:
        connection.sendall(self.answer)


SERVER = Server()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(SERVER.serve) as opened:
        yield opened


STATUS_LINES = st.sampled_from(
    [b"HTTP/1.1 200 OK", b"HTTP/1.0 500", b"HTTP/1.1 103 Hints", b"HTTP/1.1 204 ", b"HTTP/9 200"]
) | st.binary(max_size=40)
NUMBERS = st.integers().map(str) | st.from_regex(r"[0-9]{1,60}", fullmatch=True)
DATES = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Mon", "Sunday", ""]),
    NUMBERS,
    st.sampled_from(["Jan", "Feb", "Dec", "Xyz"]),
    NUMBERS,
    *[NUMBERS] * 3,
    st.sampled_from(["GMT", "-0000", "+9999", "EST", ""]) | NUMBERS.map("+{}".format),
)
RETRY_AFTER = st.just(OVERFLOWING) | DATES | NUMBERS | st.text(max_size=80)
HEADERS = st.one_of(
    st.tuples(st.just("Retry-After"), RETRY_AFTER),
    st.tuples(st.just("Content-Length"), NUMBERS | st.text(max_size=20)),
    st.tuples(st.just("Transfer-Encoding"), st.sampled_from(["chunked", "gzip, CHUNKED", ""])),
    st.tuples(st.just("Content-Type"), st.sampled_from(["text/html; charset=none", "\0"])),
    st.tuples(st.text(max_size=10), st.text(max_size=10)),
).map(lambda header: f"{header[0]}: {header[1]}".encode())
CHUNKS = st.lists(
    st.tuples(st.sampled_from([b"0", b"5", b"-5", b"ffffffff", b"zz", b""]), st.binary(max_size=9))
).map(lambda chunks: b"".join(b"%s\r\n%s\r\n" % each for each in chunks))
HEADS = st.builds(
    lambda line, headers: b"\r\n".join([line, *headers, b"", b""]), STATUS_LINES, st.lists(HEADERS)
)
ANSWERS: SearchStrategy[bytes] = (
    st.builds(
        lambda heads, body: b"".join([*heads, body]),
        st.lists(HEADS, max_size=3),
        CHUNKS | st.binary(max_size=200),
    )
    | st.binary()
)


@given(ANSWERS)
@example(b"HTTP/1.1 200 OK\r\nretry-after: %s\r\n\r\n" % OVERFLOWING.encode())
def test_no_answer_raises_anything_but_no_answer_error(url: str, answer: bytes) -> None:
    SERVER.answer = answer
    try:
        found = egress.post(url, b"{}", {}, LOCAL)
    except egress.NoAnswerError as error:
        assert error.code == "broken_answer"
    else:
        assert 100 <= found.status <= 999
        assert len(found.body) <= ANSWER_BYTES
        assert 0 <= retry.retry_after(found.headers, NOW) <= DAY


@given(RETRY_AFTER)
@example(OVERFLOWING)
@example("Mon, 01 Jan 2027 00:00:00 +99999999999999")
@example("Mon, 01 Jan 0001 00:00:00 +2359")
@example("9" * 5000)
def test_no_retry_after_raises(text: str) -> None:
    assert 0 <= retry.retry_after({"retry-after": text}, NOW) <= DAY

"""An argument is sent by its real value, whatever methods its type overrides, or refused with a clear error."""

from __future__ import annotations

import array
import enum
import sys
from collections.abc import Callable
from typing import Any

import hiredis
import pytest

from respool._protocol.packing import (
    LARGE_BYTES,
    check_kinds,
    check_piece,
    make_packer,
    minding_large,
    pack_again,
    pack_many,
)
from respool.errors import UsageError, UsageTypeError, UsageValueError


class NumpyFloat(float):
    """A float like numpy.float64 since NumPy 2."""

    def __repr__(self) -> str:
        return f"np.float64({float(self)!r})"

    __str__ = __repr__


class Silent(float):
    def __repr__(self) -> str:
        raise RuntimeError("no words for this")

    __str__ = __repr__


class Ratio(float, enum.Enum):
    HALF = 0.5


class Count(int):
    def __repr__(self) -> str:
        return "many"

    __str__ = __repr__

    def __index__(self) -> int:
        return 99


class Level(enum.IntEnum):
    HIGH = 3


class Loud(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "SHOUT"

    __repr__ = __str__

    def encode(self, *args: Any, **options: Any) -> bytes:
        return b"SHOUT"


class Word(str, enum.Enum):  # noqa: UP042 - most code uses the older spelling
    ONE = "one"


class Raw(bytes):
    def __bytes__(self) -> bytes:
        return b"other"

    def __buffer__(self, flags: int) -> memoryview:  # called since Python 3.12
        return memoryview(b"a buffer that is much longer than the text")

    def __len__(self) -> int:
        return 1000


class Grown(bytearray):
    def __bytes__(self) -> bytes:
        return b"other"


TWELVE = bytes(range(12))

SENT = [
    (NumpyFloat(0.5), b"0.5"),
    (NumpyFloat("inf"), b"inf"),
    (Silent(1.25), b"1.25"),
    (Ratio.HALF, b"0.5"),
    (Count(7), b"7"),
    (Level.HIGH, b"3"),
    (10**600, b"1" + b"0" * 600),
    (-(2**63), b"-9223372036854775808"),
    (float("inf"), b"inf"),
    (float("-inf"), b"-inf"),
    (float("nan"), b"nan"),
    (0.1, b"0.1"),
    (Loud("hush"), b"hush"),
    (Word.ONE, b"one"),
    (Raw(b"raw"), b"raw"),
    (bytearray(b"array"), b"array"),
    (Grown(b"grown"), b"grown"),
    (memoryview(TWELVE), TWELVE),
    (memoryview(TWELVE)[2:9], TWELVE[2:9]),
    (memoryview(TWELVE)[::-1], TWELVE[::-1]),
    (memoryview(TWELVE)[::2], TWELVE[::2]),
    (memoryview(TWELVE).cast("B", (3, 4)), TWELVE),
    (memoryview(TWELVE).cast("B", (3, 4))[::-1], TWELVE[8:] + TWELVE[4:8] + TWELVE[:4]),
    (memoryview(array.array("h", [1, 2, 3])), array.array("h", [1, 2, 3]).tobytes()),
    (memoryview(array.array("h", [1, 2, 3]))[::2], array.array("h", [1, 3]).tobytes()),
]
#: Commands of every length, with the argument at every place except that of the name.
AROUND: list[Callable[[Any], tuple[Any, ...]]] = [
    lambda arg: ("ECHO", arg),
    lambda arg: ("SET", arg, "v"),
    lambda arg: ("SET", "k", arg),
    lambda arg: ("HSET", arg, b"f", "v"),
    lambda arg: ("HSET", "k", arg, b"v"),
    lambda arg: ("HSET", "k", b"f", arg),
    lambda arg: ("SET", arg, "v", "EX", 9),
    lambda arg: ("SET", "k", arg, "EX", 9),
    lambda arg: ("SET", "k", "v", arg, 9),
    lambda arg: ("SET", "k", "v", "EX", arg),
    lambda arg: ("MSET", "a", "b", arg, "d", "e", b"f"),
    lambda arg: ("x" * 100, arg),
    lambda arg: ("x" * 100, b"k", arg),
]


def plain(args: tuple[Any, ...]) -> bytes:
    """Return the encoded form of a command made only of bytes, text and small numbers."""
    texts = [arg if isinstance(arg, bytes) else str(arg).encode() for arg in args]
    return b"*%d\r\n" % len(texts) + b"".join(b"$%d\r\n%s\r\n" % (len(text), text) for text in texts)


@pytest.mark.parametrize("shape", range(len(AROUND)))
@pytest.mark.parametrize("number", range(len(SENT)))
@pytest.mark.parametrize("encoding", [None, "ascii"])
def test_an_argument_is_sent_as_what_it_is_whatever_its_type_says_of_it(
    encoding: str | None, number: int, shape: int
) -> None:
    arg, text = SENT[number]
    around, pack = AROUND[shape], make_packer(encoding)
    assert pack_many([around(arg)], pack) == plain(around(text))
    assert pack_many([around(arg)], minding_large(pack)) == plain(around(text))


@pytest.mark.parametrize("shape", range(len(AROUND)))
@pytest.mark.parametrize("value", [None, True, [], {}, object(), 1j, {1}, array.array("h", [1])])
def test_what_is_no_argument_is_refused_at_every_place(value: Any, shape: int) -> None:
    args = AROUND[shape](value)
    place = next(place for place, arg in enumerate(args) if arg is value)
    with pytest.raises(UsageTypeError, match=f"argument {place} of .* is {type(value).__name__}"):
        pack_many([args], make_packer(None))


@pytest.mark.parametrize("shape", range(len(AROUND)))
@pytest.mark.parametrize("kind", [int, Count])
def test_a_number_with_more_digits_than_python_writes_is_refused_not_shown(kind: type[int], shape: int) -> None:
    huge = kind(10**5000)
    with pytest.raises(UsageValueError, match=r"argument \d+ of .* is \w+; .*4300 digits") as caught:
        pack_many([AROUND[shape](huge)], make_packer(None))
    assert "0000000" not in str(caught.value)
    with pytest.raises(UsageValueError):
        check_piece([("GET", "k"), AROUND[shape](huge)], make_packer(None))


@pytest.mark.parametrize("shape", range(len(AROUND)))
def test_with_another_bound_a_long_number_is_sent(shape: int) -> None:
    bound = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(0)
    try:
        args = AROUND[shape](10**5000)
        assert pack_many([args], make_packer(None)) == plain(args)
    finally:
        sys.set_int_max_str_digits(bound)


@pytest.mark.parametrize("shape", range(len(AROUND)))
def test_a_memoryview_that_was_released_is_refused(shape: int) -> None:
    view = memoryview(bytearray(64))
    view.release()
    with pytest.raises(UsageValueError, match=r"is memoryview; .*released"):
        pack_many([AROUND[shape](view)], make_packer(None))


@pytest.mark.parametrize("shape", range(len(AROUND)))
@pytest.mark.parametrize("kind", [str, Loud])
@pytest.mark.parametrize("encoding", [None, "ascii", "utf-16-le"])
def test_text_that_cannot_be_encoded_is_refused(encoding: str | None, kind: type[str], shape: int) -> None:
    with pytest.raises(UsageValueError, match="cannot be encoded"):
        pack_many([AROUND[shape](kind("\udcff"))], make_packer(encoding))


def test_text_of_a_subclass_is_encoded_as_text_not_by_its_own_method() -> None:
    assert make_packer("utf-16-le")(("ECHO", Loud("é")))[-4:] == b"\xe9\x00\r\n"


@pytest.mark.parametrize("size", [0, 1, 1023, 1024, 1025, 1026, LARGE_BYTES, LARGE_BYTES + 1])
def test_every_length_is_written_as_the_c_packer_writes_it(size: int) -> None:
    value = b"\r" * size
    for around in AROUND:
        for arg in (value, "é" * size):
            args = around(arg)
            expected = hiredis.pack_command(args)  # type: ignore[arg-type]  # its stub says a tuple of one
            assert make_packer(None)(args) == make_packer(None)(args) == expected
            assert minding_large(make_packer(None))(args) == expected


NAMES = [
    ("GET", b"GET"),
    ("get", b"get"),
    (b"GET", b"GET"),
    (b"gEt", b"gEt"),
    ("GÉT", "GÉT".encode()),
    ("x" * 40, b"x" * 40),
    (Word.ONE, b"one"),
    (Loud("GET"), b"GET"),
    (Raw(b"GET"), b"GET"),
    (bytearray(b"GET"), b"GET"),
    (memoryview(b"TEG")[::-1], b"GET"),
]


@pytest.mark.parametrize("number", range(len(NAMES)))
def test_names_in_any_spelling_are_sent_as_they_are_written(number: int) -> None:
    name, text = NAMES[number]
    for others in ((), ("k",), ("k", "v"), ("k", "f", "v"), ("k", "v", "EX", "9"), ("1", "2", "3", "4", "5")):
        for _ in range(2):
            assert pack_many([(name, *others)], make_packer(None)) == plain((text, *others))


def test_what_is_kept_of_names_has_a_bound() -> None:
    from respool._protocol import packing as packing_module

    pack = make_packer(None)
    pack(("N" * 100, "k"))
    for number in range(2 * packing_module._MOST_HEADS):
        assert pack((f"NAME{number}", "k")) == plain((f"NAME{number}", "k"))
        assert pack(("N" * number, "k", "v")) == plain(("N" * number, "k", "v"))
    assert all(len(heads) <= packing_module._MOST_HEADS for heads in packing_module._HEADS)
    assert all(len(name) < 100 for heads in packing_module._HEADS for name in heads)
    assert pack(("GET", "k")) == plain(("GET", "k"))


def test_a_refusal_names_no_value_and_calls_nothing_of_the_arguments() -> None:
    class Secret:
        def __repr__(self) -> str:
            return "hunter2"

        __str__ = __repr__

    with pytest.raises(UsageError) as caught:
        pack_many([("SET", "k", Secret())], make_packer(None))
    assert "hunter2" not in str(caught.value)
    with pytest.raises(UsageError, match="argument 0 of Secret"):
        pack_again((Secret(), "k"), make_packer(None), TypeError())


def test_only_kinds_are_checked_before_the_encoding_is_known() -> None:
    check_kinds(("GET", "\ud800", b"\xff", 1, 0.5, memoryview(b"k"), bytearray(b"k")))
    for wrong in (None, True, ["k"], object()):
        with pytest.raises(UsageTypeError, match=f"argument 2 of GET is {type(wrong).__name__};") as caught:
            check_kinds(("GET", "k", wrong))
        assert caught.value.__cause__ is None

"""A pipeline's result tells that it is not there yet, or the reply, or the error of its command."""

from __future__ import annotations

import pytest

from respool._facts.errors import UsageError, WrongType
from respool._pooling.pipeline_result import PipelineResult, parse_for_one


def test_before_the_pipeline_has_run_there_is_no_result() -> None:
    result: PipelineResult[bytes] = PipelineResult("GET")
    assert not result.done
    assert repr(result) == "<PipelineResult GET: has not run>"
    with pytest.raises(UsageError, match="the pipeline of this GET has not run yet"):
        result.result()


@pytest.mark.parametrize("value", [b"secret", None, [], ValueError("a value like any other")])
def test_the_reply_is_returned_and_never_shown(value: object) -> None:
    result: PipelineResult[object] = PipelineResult("GET")
    result._resolve(value)
    assert result.done
    assert result.result() is value
    assert repr(result) == f"<PipelineResult GET: {type(value).__name__}>"


def test_of_a_pipeline_that_failed_there_will_be_no_result() -> None:
    result: PipelineResult[bytes] = PipelineResult("GET")
    result._give_up()
    assert not result.done
    assert repr(result) == "<PipelineResult GET: no reply>"
    with pytest.raises(UsageError, match="no reply to this GET: its pipeline was left with an error"):
        result.result()


def test_an_error_is_raised() -> None:
    result: PipelineResult[int] = PipelineResult("INCR")
    result._resolve(WrongType("WRONGTYPE", "no number"))
    assert result.done
    assert repr(result) == "<PipelineResult INCR: WrongType>"
    with pytest.raises(WrongType, match="no number"):
        result.result()


def test_what_a_parser_raises_is_raised_each_time_from_the_place_in_it() -> None:
    def parser(_: object) -> int:
        raise ValueError("bad")

    result: PipelineResult[int] = PipelineResult("GET")
    assert parse_for_one(int, b"5") == 5
    result._resolve(parse_for_one(parser, b"secret"))
    assert result.done
    assert repr(result) == "<PipelineResult GET: ValueError>"
    for _ in range(2):
        with pytest.raises(ValueError, match="bad") as caught:
            result.result()
        assert [entry.name for entry in caught.traceback][1:] == ["result", "parser"]


def test_what_a_parser_written_in_c_raises_has_no_place() -> None:
    result: PipelineResult[int] = PipelineResult("GET")
    result._resolve(parse_for_one(int, b"x"))
    with pytest.raises(ValueError, match="invalid literal"):
        result.result()

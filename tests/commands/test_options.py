"""Every option that COMMAND DOCS lists is sent by some example, or there is a reason.

A test of names cannot see a forgotten option of a command that has a method.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from examples import Example

#: Words that no method sends, and why: where the word is optional and changes nothing, an older name, or an effect that
#: respool has another way for.
NOT_SENT = {
    ("CLIENT KILL", "SLAVE"): "the old word for REPLICA",
    ("CLIENT LIST", "SLAVE"): "the old word for REPLICA",
    ("CLIENT KILL", "NO"): "what it does without a word",
    ("CLIENT LIST", "NO"): "what it does without a word",
    ("CLIENT PAUSE", "ALL"): "what it does without a word",
    ("CLIENT UNBLOCK", "TIMEOUT"): "what it does without a word",
    ("SORT", "ASC"): "what it does without a word",
    ("SORT_RO", "ASC"): "what it does without a word",
    ("XADD", "="): "what it does without a word",
    ("XTRIM", "="): "what it does without a word",
}


def tokens(arguments: list[Any]) -> Iterator[str]:
    """Yield the words of a command's arguments, at every depth."""
    for argument in arguments:
        if "token" in argument and argument["token"] != '""':
            yield argument["token"].upper()
        yield from tokens(argument.get("arguments", []))


def documented(docs: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of a command and a word."""
    for name, entry in docs.items():
        for token in tokens(entry.get("arguments", [])):
            yield name.upper().replace("|", " "), token
        yield from documented(entry.get("subcommands", {}))


def sent(all_examples: list[Example]) -> set[tuple[str, str]]:
    """Return the pairs of a command and a word that the examples send."""
    return {
        (command.name, arg.upper())
        for command in (example.call.command for example in all_examples)
        for arg in command.args[len(command.spec.words) :]
        if isinstance(arg, str)
    }


def test_every_option_is_sent(talk: Any, all_examples: list[Example]) -> None:
    known = sent(all_examples)
    names = {name for name, _ in known}
    pairs = {pair for pair in documented(talk(3, "utf-8")("COMMAND", "DOCS")) if pair[0] in names}
    assert len(pairs) > 100
    assert sorted(pairs - known - NOT_SENT.keys()) == []

"""The built site: its links, anchors and search, as a reader meets them. Needs what ``make docs`` installs."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urljoin

import pytest

ROOT: Final = Path(__file__).parents[2]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not all(map(find_spec, ("mkdocs", "material", "mkdocstrings"))), reason="run: make docs"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site, strictly: every warning is an error."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


class Page(HTMLParser):
    """The anchors and the links of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.ids.append(value)
            elif name in ("href", "src") and value:
                self.links.append(value)


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """Every page by its address below the site."""
    return {
        file.parent.relative_to(site).as_posix().removeprefix(".") + "/": Page(file.read_text("utf-8"))
        for file in site.rglob("index.html")
    }


def test_every_link_within_the_site_leads_to_a_page_and_an_anchor_that_exist(
    site: Path, pages: dict[str, Page]
) -> None:
    broken = []
    for address, page in pages.items():
        for link in page.links:
            target, _, anchor = urljoin(f"http://site/{address.lstrip('/')}", link).partition("#")
            if not target.startswith("http://site/"):
                continue
            path = unquote(target.removeprefix("http://site/"))
            if path and not path.endswith("/"):
                if not (site / path).exists():
                    broken.append((address, link))
            elif (path or "/") not in pages or (anchor and unquote(anchor) not in pages[path or "/"].ids):
                broken.append((address, link))
    assert broken == []


def test_no_anchor_stands_twice_on_a_page(pages: dict[str, Page]) -> None:
    for address, page in pages.items():
        mine = [anchor for anchor in page.ids if not anchor.startswith("__")]
        assert len(mine) == len(set(mine)), address


def test_rules_and_options_have_anchors_and_pages_link_there(pages: dict[str, Page]) -> None:
    assert {"r-01", "r-14", "r-37"} <= set(pages["reference/semantics/"].ids)
    assert {"host", "max_size", "trace_leases", "attempts"} <= set(pages["reference/options/"].ids)
    assert "../semantics/#r-14" in pages["reference/options/"].links
    assert "../options/#max_waiting" in pages["reference/errors/"].links
    assert "../../reference/options/#max_size" in pages["how-to/blocking-commands/"].links
    assert not [link for link in pages["how-to/testing/"].links if "options/#" in link], "those are the test server's"


def test_the_first_page_shows_the_committed_plot(site: Path, pages: dict[str, Page]) -> None:
    plot = "benchmarks/results/throughput.svg"
    assert plot in pages["/"].links
    assert (site / plot).read_bytes() == (ROOT / plot).read_bytes()


@pytest.fixture(scope="module")
def index(site: Path) -> dict[str, Any]:
    return json.loads((site / "search/search_index.json").read_text("utf-8"))


def words(text: str, separator: str) -> Iterator[str]:
    """Cut a text as the site's search does: tags are left out, and nothing is trimmed from a word."""
    for part in re.split(r"<[^>]*>", text):
        yield from (word.lower() for word in re.split(separator, part) if word)


def found(index: dict[str, Any], query: str) -> set[str]:
    """Return the pages where every part of what was typed begins a word, as the search page asks."""
    separator = index["config"]["separator"]
    wanted = list(words(query, separator))
    return {
        entry["location"].partition("#")[0]
        for entry in index["docs"]
        if all(
            any(word.startswith(part) for word in words(f"{entry['title']} {entry['text']}", separator))
            for part in wanted
        )
    }


@pytest.mark.parametrize(
    ("query", "page"),
    [
        ("hset", "reference/commands/"),
        ("HSET", "reference/commands/"),
        ("hset", "reference/commands/hset/"),
        ("HSET", "reference/commands/hset/"),
        ("client list", "reference/commands/client_list/"),
        ("CLIENT LIST", "reference/commands/"),
        ("decode_responses", "reference/options/"),
        ("responses", "reference/options/"),
        ("max_connections", "reference/options/"),
        ("socket_timeout", "reference/options/"),
        ("max_size", "reference/options/"),
        ("R-14", "reference/semantics/"),
        ("OutcomeUnknown", "reference/errors/"),
        ("unknown", "reference/errors/"),
        ("pool", "reference/api/"),
    ],
)
def test_the_search_finds_what_a_page_speaks_of(index: dict[str, Any], query: str, page: str) -> None:
    assert page in found(index, query)


def test_the_search_finds_every_page_whose_source_has_a_word(index: dict[str, Any]) -> None:
    for word in ("hset", "zadd", "celery", "gevent", "decode_responses"):
        sources = {
            file.relative_to(ROOT / "docs").with_suffix("").as_posix().removesuffix("index")
            for file in (ROOT / "docs").rglob("*.md")
            if re.search(rf"(?<![A-Za-z]){word}(?![A-Za-z])", file.read_text("utf-8"), flags=re.IGNORECASE)
        }
        assert {f"{page}/" if page else "" for page in sources} <= found(index, word), word

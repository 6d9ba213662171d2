"""What tools/docs_hooks.py makes of a page: anchors for rules and options, links to them, and nothing else."""

from __future__ import annotations

import re
import sys
from dataclasses import fields
from pathlib import Path
from typing import Final

import pytest

from respool import RetryPolicy
from respool._facts.cluster_options import ClusterOptions
from respool._facts.sentinel_options import SentinelOptions

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))

import docs_hooks as hooks

ROOT: Final = Path(__file__).parents[2]
RULES: Final = {"R-01", "R-14"}
NAMES: Final = {"max_size", "shared"}


def markdown(page: str) -> str:
    return (ROOT / "docs" / page).read_text("utf-8")


def test_every_rule_of_the_real_page_is_found_once() -> None:
    found = hooks.rules_in(markdown(hooks.RULES))
    assert found == [f"R-{number:02}" for number in range(1, len(found) + 1)]
    assert len(found) >= 37


def test_every_option_of_the_real_page_is_found_once() -> None:
    options = [*ClusterOptions.names(), *(SentinelOptions.names() - ClusterOptions.names())]
    wanted = options + [entry.name for entry in fields(RetryPolicy)]
    assert sorted(hooks.options_in(markdown(hooks.OPTIONS))) == sorted(wanted)


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.name)
def test_every_rule_that_a_page_names_exists(page: Path) -> None:
    assert set(re.findall(r"\bR-\d\d\b", page.read_text("utf-8"))) <= set(hooks.rules_in(markdown(hooks.RULES)))


def test_a_rule_gets_an_anchor_where_it_is_stated() -> None:
    page = hooks.anchor_rules("<p><strong>R-14 Half-open connections.</strong> See R-01.</p>")
    assert page.startswith('<p><strong id="r-14">')
    assert re.sub(r"<[^>]+>", "", page) == "R-14 Half-open connections. See R-01."


def test_an_option_gets_an_anchor_in_its_row_and_other_tables_get_none() -> None:
    row = "<tbody><tr>\n<td><code>max_size</code></td>\n<td><code>16</code></td></tr></tbody></table>"
    assert '<td id="max_size">' in hooks.anchor_options(f"<table><thead><tr><th>option</th></tr></thead>{row}")
    other = f"<table><thead><tr><th>counter</th></tr></thead>{row}"
    assert hooks.anchor_options(other) == other


def test_a_rule_in_the_text_becomes_a_link() -> None:
    page = hooks.link_rules("<p>starts anew (R-14), as do R-01 to R-14</p>", "../semantics/", RULES)
    assert page.count('<a class="rule" href="../semantics/#r-14">R-14</a>') == 2
    assert page.count('<a class="rule" href="../semantics/#r-01">R-01</a>') == 1


def test_a_rule_that_does_not_exist_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert hooks.link_rules("<p>R-99</p>", "", RULES) == "<p>R-99</p>"
    assert "no rule R-99" in caplog.text


@pytest.mark.parametrize("text", ["max_size", "shared=0", 'shared="<all>"'.replace("<", "&lt;").replace(">", "&gt;")])
def test_an_option_between_backquotes_becomes_a_link(text: str) -> None:
    page = hooks.link_options(f"<p>give <code>{text}</code> more</p>", "../options/", NAMES)
    name = text.partition("=")[0]
    assert page == f'<p>give <a href="../options/#{name}"><code>{text}</code></a> more</p>'


@pytest.mark.parametrize(
    "page",
    [
        "<p>max_size without backquotes</p>",
        "<p><code>other</code> <code>max_size()</code> <code>pool.max_size</code> <code>max_size, shared</code></p>",
        "<h2>When to set <code>shared</code></h2>",
        '<p><a href="x"><code>shared</code></a></p>',
        "<table><tr>\n<td><code>shared</code></td><td>a counter of that name</td></tr></table>",
        '<pre><span></span><code><span class="n">pool</span> max_size # R-14</code></pre>',
        '<pre class="x"><code>max_size</code></pre><div class="highlight"><pre><code>R-14</code></pre></div>',
        '<h2 id="r">R-14</h2><p title="R-14 > max_size">none<br/>here<!-- R-14 --></p>',
        '<p><autoref identifier="x">R-14 <code>max_size</code></autoref></p>',
    ],
)
def test_code_blocks_headings_links_and_the_subject_of_a_row_stay_as_they_are(page: str) -> None:
    assert hooks.link_options(hooks.link_rules(page, "s", RULES), "o", NAMES) == page


def test_what_follows_a_code_block_is_linked() -> None:
    page = "<pre><code>x<br>R-14</code></pre><p>R-14</p><table><tr><td>a</td><td><code>max_size</code></td></tr></table>"
    made = hooks.link_options(hooks.link_rules(page, "s/", RULES), "o/", NAMES)
    assert made.startswith("<pre><code>x<br>R-14</code></pre>")
    assert '<p><a class="rule" href="s/#r-14">' in made
    assert '<td><a href="o/#max_size"><code>max_size</code></a></td>' in made


def test_code_that_is_too_wide_is_found_by_what_a_reader_sees() -> None:
    fits = f"<pre><span class='a-very-long-class-name'></span><code>{'&lt;' * 80}\nb</code></pre>"
    assert hooks.too_wide(fits) == []
    assert hooks.too_wide(f"<pre><code>{'x' * 81}</code></pre>") == ["x" * 81]


@pytest.mark.parametrize(
    ("written", "on_the_site"),
    [
        ("![p](../benchmarks/results/a.svg)", "![p](benchmarks/results/a.svg)"),
        ("[r](../../benchmarks/results/latest.txt)", "[r](../benchmarks/results/latest.txt)"),
        ("[r](../reference/options.md)", "[r](../reference/options.md)"),
    ],
)
def test_a_link_to_the_results_leads_there_from_the_repository_and_from_the_site(
    written: str, on_the_site: str
) -> None:
    assert hooks.published(written) == on_the_site

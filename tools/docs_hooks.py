"""Hooks that add anchors and links in ``mkdocs build`` (``hooks:`` in mkdocs.yml), so that the Markdown stays readable.

- Each rule of reference/semantics.md and each option of reference/options.md gets an anchor: ``#r-14``, ``#max_size``.
- ``R-14`` on any page, and an option's name between backquotes (``max_size``, ``shared=0``), link there.
- The figures and the report in benchmarks/results are published beside the pages. Markdown links to them by their path
  in the repository, so the same link works on a forge and on the site.

- Each command gets its page, and reference/commands.md the index of all (``command_pages``).

Code blocks, headings and existing links are not changed. A rule that does not exist, an anchor that is used twice and
code that is too wide for a page are warnings. A strict build fails on them.
"""

from __future__ import annotations

import html
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

sys.path.insert(0, str(Path(__file__).parent))  # mkdocs runs this file as a hook
import command_pages

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).parents[1]
RULES, OPTIONS = "reference/semantics.md", "reference/options.md"
RESULTS = "benchmarks/results/"

#: Pages about other parameters with the same names: those of commands, and those of the test servers.
OTHER_NAMES: Final = {"reference/testing.md", "how-to/testing.md"}

#: The longest line of code on a page, in characters: more is cut off at the usual width of a window.
WIDEST: Final = 80

#: The text inside these elements is not changed.
_KEPT: Final = {"pre", "a", "autoref", "h1", "h2", "h3", "h4", "h5", "h6", "script", "style", "svg"}
_TAG: Final = re.compile(r"""(<!--.*?-->|<(?:"[^"]*"|'[^']*'|[^'">])*>)""", re.DOTALL)
_NAME: Final = re.compile(r"</?(\w+)")
_RULE: Final = re.compile(r"\bR-\d\d\b")
_RULE_HEAD: Final = re.compile(r"<strong>(R-\d\d) ")
_TABLE: Final = re.compile(r"<table>.*?</table>", re.DOTALL)
_OPTION_CELL: Final = re.compile(r"(<tr>\s*)<td>(<code>(\w+)</code>)")
_OPTION_CODE: Final = re.compile(r"(\w+)(?:=.*)?")

log = logging.getLogger("mkdocs.hooks.docs_hooks")


# Anchors -------------------------------------------------------------------------------------------------


def rules_in(markdown: str) -> list[str]:
    """Return the numbers of the rules that a page states, in order."""
    return re.findall(r"^\*\*(R-\d\d) ", markdown, flags=re.MULTILINE)


def options_in(markdown: str) -> list[str]:
    """Return the names in the first columns of the tables of options, in order."""
    names: list[str] = []
    listed = False
    for line in markdown.splitlines():
        head = re.match(r"\| (option|field) \|", line)
        row = re.match(r"\| `(\w+)` \|", line)
        listed = bool(head) or (listed and line.startswith("|"))
        if listed and row:
            names.append(row[1])
    return names


def anchor_rules(page: str) -> str:
    """Give each rule its anchor, on the page that states them."""
    return _RULE_HEAD.sub(lambda head: f'<strong id="{head[1].lower()}">{_to_itself(head[1], head[1].lower())} ', page)


def anchor_options(page: str) -> str:
    """Give each option its anchor, on the page that lists them."""

    def table(found: re.Match[str]) -> str:
        if not re.search(r"<th>(option|field)</th>", found[0]):
            return found[0]
        return _OPTION_CELL.sub(
            lambda cell: f'{cell[1]}<td id="{cell[3]}">{_to_itself(cell[2], cell[3])}', found[0]
        )

    return _TABLE.sub(table, page)


def _to_itself(text: str, anchor: str) -> str:
    return f'<a class="anchored" href="#{anchor}" title="Permanent link">{text}</a>'


# Links ---------------------------------------------------------------------------------------------------


def link_rules(page: str, to: str, rules: set[str]) -> str:
    """Link every ``R-14`` in the text of a page; ``to`` is the relative URL of the page of rules."""

    def link(found: re.Match[str]) -> str:
        if found[0] not in rules:
            log.warning("there is no rule %s", found[0])
            return found[0]
        return f'<a class="rule" href="{to}#{found[0].lower()}">{found[0]}</a>'

    return "".join(_RULE.sub(link, part) if free else part for part, free in _parts(page))


def link_options(page: str, to: str, options: set[str]) -> str:
    """Link the options between backquotes; ``to`` is the relative URL of the page of options.

    The first cell of a table row is left alone: it names the subject of the row, not an option.
    """
    parts = list(_parts(page))
    made = [part for part, _ in parts]
    for at, (part, free) in enumerate(parts[1:-1], 1):
        named = _OPTION_CODE.fullmatch(html.unescape(part)) if free and made[at - 1] == "<code>" else None
        if named is None or named[1] not in options or made[at + 1] != "</code>":
            continue
        if re.search(r"<tr>\s*<td>$", "".join(made[max(at - 4, 0) : at - 1])):
            continue
        made[at - 1] = f'<a href="{to}#{named[1]}"><code>'
        made[at + 1] = "</code></a>"
    return "".join(made)


def _parts(page: str) -> Iterator[tuple[str, bool]]:
    """Yield the tags and texts of a page in order, each with whether it is text that may be changed."""
    opened: list[str] = []
    for part in _TAG.split(page):
        if not part.startswith("<"):
            if part:
                yield part, not _KEPT & set(opened)
            continue
        name = _NAME.match(part)
        if name and part.startswith("</"):
            while opened and opened.pop() != name[1]:
                pass
        elif name and not part.endswith("/>") and name[1] not in ("br", "hr", "img", "input", "wbr"):
            opened.append(name[1])
        yield part, False


def too_wide(page: str) -> list[str]:
    """Return the lines of code that a reader would have to scroll for."""
    blocks = re.findall(r"<pre\b.*?</pre>", page, flags=re.DOTALL)
    lines = [line for block in blocks for line in html.unescape(_TAG.sub("", block)).splitlines()]
    return [line for line in lines if len(line) > WIDEST]


def published(markdown: str) -> str:
    """Rewrite links to benchmarks/results from their path in the repository to that on the site, without docs/."""
    return re.sub(rf"\]\(((?:\.\./)*)\.\./(?={RESULTS})", r"](\1", markdown)


# Called by mkdocs ----------------------------------------------------------------------------------------

_known: dict[str, set[str]] = {}


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Collect the names of the rules and options, and publish the benchmark results."""
    from mkdocs.structure.files import File  # here: the tests of the rest need no mkdocs

    for page, names_in in ((RULES, rules_in), (OPTIONS, options_in)):
        names = names_in((Path(config.docs_dir) / page).read_text("utf-8"))
        for name in {name for name in names if names.count(name) > 1}:
            log.warning("%s stands twice in %s", name, page)
        _known[page] = set(names)
    for result in sorted((ROOT / RESULTS).iterdir()):
        files.append(File.generated(config, RESULTS + result.name, abs_src_path=str(result)))
    for address, text in command_pages.pages().items():
        files.append(File.generated(config, address, content=text))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    if page.file.src_uri == f"{command_pages.FOLDER}.md":
        markdown = markdown.replace(command_pages.MARK, command_pages.index())
    return published(markdown)


def on_page_content(content: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Add anchors and links to a page after it was rendered to HTML."""
    here = page.file.src_uri
    for line in too_wide(content):
        log.warning("%s: code wider than %d characters: %s", here, WIDEST, line)
    for place, add in ((RULES, anchor_rules), (OPTIONS, anchor_options)):
        if here == place:
            content = add(content)
            anchors = [name.lower() if name.startswith("R-") else name for name in _known[place]]
            taken = page.present_anchor_ids = page.present_anchor_ids or set()
            for anchor in anchors:
                if anchor in taken or content.count(f'id="{anchor}"') != 1:
                    log.warning("%s: #%s is wanted once", here, anchor)
            taken.update(anchors)
    content = link_rules(content, _way(page, files, RULES), _known[RULES])
    if here not in OTHER_NAMES and not here.startswith(command_pages.FOLDER):
        content = link_options(content, _way(page, files, OPTIONS), _known[OPTIONS])
    return content


def _way(page: Page, files: Files, to: str) -> str:
    """Return the relative URL of another page; an empty string for the page itself."""
    target = files.get_file_from_path(to)
    if target is None:
        log.warning("there is no page %s", to)
        return ""
    return "" if page.file.src_uri == to else target.url_relative_to(page.file)

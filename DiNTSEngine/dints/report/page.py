"""The HTML page of the report: a few building blocks that escape every text, its style, its script."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence

STYLE = """
:root { color-scheme: light dark; --text: #1c2126; --faint: #5c6670; --line: #d9dee3; --card: #f6f8f9; --page: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e8ec; --faint: #9aa5b0; --line: #363e46; --card: #1e2328; --page: #15191d; }
}
body { margin: 2rem auto; max-width: 70rem; padding: 0 1.2rem; color: var(--text); background: var(--page);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0; }
h2 { font-size: 1.25rem; margin: 2.4rem 0 .6rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; }
p { margin: .4rem 0; }
.note, figcaption, footer { color: var(--faint); font-size: .87rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .6rem 0; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .8rem .25rem 0; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; }
.numbers th + th, .numbers td + td { text-align: right; white-space: nowrap; padding: .25rem .4rem .25rem .9rem; }
.sortable th { cursor: pointer; }
.sortable th:hover { text-decoration: underline; }
.row { display: flex; flex-wrap: wrap; gap: 1rem; align-items: flex-start; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 1rem; }
.charts svg { width: 100%; height: auto; background: var(--card); border-radius: 6px; }
figure { margin: 0; }
.row img { max-width: 100%; max-height: 21rem; border-radius: 6px; display: block; }
img.sheet { max-width: 100%; background: #fff; border-radius: 6px; padding: .6rem; box-sizing: border-box; }
.swatch { display: inline-block; width: 1.4em; border-top: 3px solid; vertical-align: middle; margin: 0 .3em 0 .8em; }
pre { background: var(--card); padding: .8rem; border-radius: 6px; overflow-x: auto; font-size: .85rem; }
summary { cursor: pointer; }
footer { margin-top: 3rem; }
"""

# A click on a heading sorts by that column, a second click the other way; what is no number sorts as text, after them.
SCRIPT = """
for (const table of document.querySelectorAll('table.sortable')) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.addEventListener('click', () => {
    const down = head.dataset.order !== 'down';
    heads.forEach(other => delete other.dataset.order);
    head.dataset.order = down ? 'down' : 'up';
    const key = row => row.cells[column].textContent;
    const compare = (a, b) => {
      const [x, y] = [parseFloat(key(a)), parseFloat(key(b))];
      if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y) || key(a).localeCompare(key(b));
      return x - y;
    };
    const rows = [...table.tBodies[0].rows].sort((a, b) => down ? compare(a, b) : compare(b, a));
    table.tBodies[0].append(...rows);
  }));
}
"""


class Html(str):
    """Text that is markup already; every other text is escaped where it enters the page."""


def text(value: object) -> Html:
    """A value as it may stand in the page, between tags or in a quoted attribute."""
    return value if isinstance(value, Html) else Html(html.escape(str(value)))


def join(parts: Iterable[object]) -> Html:
    """Parts after one another."""
    return Html("\n".join(text(part) for part in parts))


def element(name: str, *content: object, style: str = "") -> Html:
    """<name class=style>content</name>"""
    opening = f'{name} class="{text(style)}"' if style else name
    return Html(f"<{opening}>{join(content)}</{name}>")


def section(title: str, *content: object) -> Html:
    """A headed part of the page."""
    return element("section", element("h2", title), *content)


def note(sentence: str) -> Html:
    """A sentence in small print."""
    return element("p", sentence, style="note")


def table(head: Sequence[object], rows: Iterable[Sequence[object]], style: str = "numbers") -> Html:
    """A table that scrolls sideways when it is too wide; style "numbers" aligns all but the first column right."""
    heading = element("thead", element("tr", *(element("th", cell) for cell in head))) if head else Html("")
    body = element("tbody", *(element("tr", *(element("td", cell) for cell in row)) for row in rows))
    return element("div", element("table", heading, body, style=style), style="scroll")


def picture(media_type: str, content: bytes, description: str, style: str = "") -> Html:
    """An image that is part of the page."""
    data = base64.b64encode(content).decode("ascii")
    return Html(f'<img class="{text(style)}" alt="{text(description)}" src="data:{text(media_type)};base64,{data}">')


def page(title: str, *content: object) -> str:
    """The whole document: it loads nothing, from anywhere."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(title)}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n{element('h1', title)}\n{join(content)}\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )

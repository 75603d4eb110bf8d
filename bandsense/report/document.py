"""A report as one HTML file that needs nothing beside it: no script, no network, fonts and charts inside."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from bandsense.language import language, tr

__all__ = ["Panel", "Report", "SetRow", "WeekRow", "font_faces", "html_table", "plots", "to_html", "to_svg"]

_FONTS = (("bs-num", 700, "num.woff2"), ("bs-text", 400, "text400.woff2"), ("bs-text", 600, "text600.woff2"))


@dataclass(frozen=True, slots=True)
class SetRow:
    """One line of the table of sets; `strip` is a chart, the others are words."""

    name: str
    strip: str
    reps: str
    peak: str
    tempo: str
    under_tension: str
    extra: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WeekRow:
    """One line of the table of weeks."""

    week: str
    sessions: str
    sets: str
    reps: str
    zone: str
    peak: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A titled half of a row; `body` is a chart or a table as HTML."""

    title: str
    body: str
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What a report says, in the order of the page.

    Attributes:
        title: the exercise.
        about: whose report it is, and of when.
        day: of the session, or the last day.
        facts: name and value, beside the title.
        lead: three sentences.
        to_do: until the next visit; nothing leaves the box out.
        sets: of a session.
        extra_heads: heads of the columns in `SetRow.extra`.
        hidden: why the table of sets has dashes.
        weeks: of a report over weeks.
        curve: the best set; None to leave it out.
        panels: charts and tables, two a row.
        fine: fine print.
        unit: of forces.
        software: what made it.
    """

    title: str
    about: str
    day: str
    facts: tuple[tuple[str, str], ...]
    lead: str
    fine: str
    software: str
    to_do: tuple[str, ...] = ()
    sets: tuple[SetRow, ...] = ()
    extra_heads: tuple[str, ...] = ()
    weeks: tuple[WeekRow, ...] = ()
    curve: Panel | None = None
    panels: tuple[Panel, ...] = ()
    unit: str = "N"
    hidden: tuple[str, ...] = ()

    @property
    def compact(self) -> bool:
        """Whether there is so much that charts have to be lower to fit the page."""
        return len(self.sets) > 4 or len(self.weeks) > 3 or len(self.panels) > 2


def font_faces() -> str:
    """Give the fonts as style sheet with the files inside; they are those of the page."""
    folder = resources.files("bandsense") / "web" / "static" / "vendor" / "fonts"
    faces = []
    for family, weight, name in _FONTS:
        data = b64encode((folder / name).read_bytes()).decode("ascii")
        source = f'url(data:font/woff2;base64,{data}) format("woff2")'
        faces.append(f'@font-face{{font-family:"{family}";font-weight:{weight};src:{source}}}')
    return "".join(faces)


def style_sheet(name: str) -> str:
    """Give one of the style sheets of this room."""
    return (resources.files("bandsense.report") / name).read_text(encoding="utf-8")


def to_html(report: Report) -> str:
    """Write a report as one HTML file; every text in it is escaped, charts are taken as they are."""
    environment = Environment(
        loader=PackageLoader("bandsense.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template("report.html").render(
        r=_marked(report),
        tr=tr,
        language=language(),
        fonts=Markup(font_faces()),  # noqa: S704 (our own files)
        charts_css=Markup(style_sheet("charts.css")),  # noqa: S704
        css=Markup(style_sheet("report.css")),  # noqa: S704
    )


def _marked(report: Report) -> dict[str, object]:
    """Give the fields for the template, charts marked as the HTML that they are."""
    fields: dict[str, object] = {name: getattr(report, name) for name in Report.__slots__}
    fields["compact"] = report.compact
    fields["curve"] = None if report.curve is None else _with_markup(report.curve, "body")
    fields["sets"] = [_with_markup(row, "strip") for row in report.sets]
    fields["panels"] = [_with_markup(panel, "body") for panel in report.panels]
    return fields


def _with_markup(value: SetRow | Panel, chart: str) -> dict[str, object]:
    fields: dict[str, object] = {name: getattr(value, name) for name in type(value).__slots__}
    fields[chart] = Markup(str(fields[chart]))  # noqa: S704 (made by `charts`, which escapes)
    return fields


def html_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a plain table; the first column is to the left."""

    def cells(row: Sequence[str], tag: str) -> str:
        return "".join(
            f"<{tag}{' class=l' if index == 0 else ''}>{escape(cell)}</{tag}>"
            for index, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f"<table><thead><tr>{cells(heads, 'th')}</tr></thead><tbody>{body}</tbody></table>"


def plots(report: Report) -> Iterator[tuple[str, str]]:
    """Give each chart of a report as a name for its file and a page that holds nothing else."""
    panels = [*([] if report.curve is None else [report.curve]), *report.panels]
    charts = [(panel.title, panel.body) for panel in panels]
    for title, chart in charts:
        if "<svg" in chart:
            name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
            yield name, _chart_page(title, chart)


def _chart_page(title: str, chart: str) -> str:
    style = f"{font_faces()}{style_sheet('charts.css')}{style_sheet('report.css')}"
    plain = (
        "main{width:auto;padding:20px 24px;gap:0}.chart,.chart.curve{height:300px;margin:44px 60px 36px 0}"
    )
    return (
        f"<!doctype html><meta charset=utf-8><style>{style}{plain}</style>"
        f"<main><h2>{escape(title)}</h2>{chart}</main>"
    )


def to_svg(title: str, chart: str, *, note: str = "", width: int = 1000, height: int = 420) -> str:
    """Give one chart as an SVG file that any browser shows, with a note below its title."""
    drawn = chart[chart.index("<svg") : chart.rindex("</svg>") + len("</svg>")]
    style = f"{style_sheet('report.css')}{style_sheet('charts.css')}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}"><style>{style}</style>'
        f'<rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="30" y="42" font-size="20" font-weight="600" font-family="sans-serif">'
        f"{escape(title)}</text>"
        f'<text x="30" y="66" font-size="14" font-family="sans-serif">{escape(note)}</text>'
        f'<svg class="chart" x="30" y="90" width="{width - 120}" height="{height - 140}" overflow="visible">'
        f"{drawn}</svg></svg>\n"
    )

"""A report as a page: self-contained, everything escaped, and looked at in a real browser."""

import json
import math
import re
import subprocess
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings

from backproof.report import ErrorMap
from backproof.reports.chain_drawing import UNITS, chain_drawing
from backproof.reports.graph_drawing import BOX, graph_drawing
from backproof.reports.heat_map import LARGEST, NOT_FINITE, heat_maps, level
from backproof.reports.mathml import mathml
from backproof.reports.words import printable
from symbolic.conventions import INTERNAL, Layout
from symbolic.derivation import derive
from symbolic.graph import graph, loss, node
from symbolic.network import mlp
from symbolic.writing.latex import index_latex, matrix_latex
from tests.backproof.reports.cases import ANY_TEXT, CASES, GRAPH, HOSTILE

BROWSER = (
    "chromium",
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--window-size=1000,1400",
)
SCHEMES = {"light": 1, "dark": 0}
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """The elements of a page, its text, and its text by the class of what holds it."""

    def __init__(self, source):
        super().__init__()
        self.elements, self.text, self._open = [], "", []
        self.cells = 0
        self.feed(source)
        assert not self._open, f"{self._open[-1]} is not closed"

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        classes = (dict(attributes).get("class") or "").split()
        self.cells += "heat" in [c for held in self._open for c in held[1]] and "cell" in classes
        if tag not in VOID:
            self._open.append((tag, classes))

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self._open.pop()

    def handle_data(self, data):
        if self._open and self._open[-1][0] not in ("style", "title"):
            self.text += data


@dataclass(frozen=True)
class Seen:
    """What a browser made of a page."""

    dom: str
    picture: bytes
    console: tuple[str, ...]
    requests: frozenset[str]


def looked_at(source, folder, scheme="light"):
    """Open a page in Chromium; its own requests, for updates, have no page that they come from."""
    page, picture, log = folder / "page.html", folder / f"{scheme}.png", folder / "net.json"
    page.write_text(source, encoding="utf-8")
    done = subprocess.run(
        [
            *BROWSER,
            f"--user-data-dir={folder / 'profile'}",
            f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}",
            f"--log-net-log={log}",
            f"--screenshot={picture}",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    events = [event.get("params", {}) for event in json.loads(log.read_text())["events"]]
    asked = {p["url"] for p in events if p.get("initiator", "not an origin") != "not an origin"}
    said = tuple(line for line in done.stderr.splitlines() if "CONSOLE" in line)
    return Seen(done.stdout, picture.read_bytes(), said, frozenset(asked))


def accept(seen, report):
    """Raise AssertionError for what is no page of this report."""
    page = Page(seen.dom)
    assert seen.console == ()
    assert not {url for url in seen.requests if not url.startswith("file:")}
    assert not [tag for tag, _ in page.elements if tag in ("script", "link", "img", "iframe", "object")]
    assert report.verdict in page.text and printable(report.subject) in page.text
    assert page.cells == sum(len(array.errors) for array in report.counterexample.errors) > 0
    assert len(seen.picture) > 20_000, "the picture is all but empty"


@pytest.mark.parametrize("name", ["explained", "large", "graph wrong", "hostile"])
def test_browser_shows_the_page(name, require, tmp_path):
    require("chromium")
    seen = {scheme: looked_at(CASES[name].to_html(), tmp_path, scheme) for scheme in SCHEMES}
    for one in seen.values():
        accept(one, CASES[name])
    assert seen["light"].picture != seen["dark"].picture


def test_browser_lays_out_the_formulas(require, tmp_path):
    require("chromium")
    seen = looked_at(CASES["explained"].to_html(), tmp_path)
    assert seen.dom.count("<math") == 2
    assert "<mfrac" in seen.dom and "<msubsup" in seen.dom


@pytest.mark.parametrize(
    "spoil",
    [
        lambda page: re.sub(r'<figure class="heat">.*?</figure>', "", page, flags=re.S),
        lambda page: re.sub(r'<rect class="cell l8".*?</rect>', "", page, count=1),
        lambda page: without_policy(page).replace("<main>", '<main><img src="http://127.0.0.1:9/x.png">'),
        lambda page: without_policy(page).replace("<main>", "<main><script>console.error('x')</script>"),
        lambda page: page.replace("<main>", "<main><script>console.error('x')</script>"),
        lambda page: page.replace(">wrong</h1>", ">fine</h1>").replace("wrong", "fine"),
    ],
    ids=["no heat map", "a cell less", "a request", "a script", "a script that is refused", "no verdict"],
)
def test_browser_test_rejects(spoil, require, tmp_path):
    require("chromium")
    page = CASES["unexplained"].to_html()
    assert spoil(page) != page
    with pytest.raises(AssertionError):
        accept(looked_at(spoil(page), tmp_path), CASES["unexplained"])


def without_policy(page):
    return re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page)


@pytest.mark.parametrize("name", CASES)
def test_page_loads_nothing_and_runs_nothing(name):
    page = Page(CASES[name].to_html())
    policies = [a["content"] for tag, a in page.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policies and policies[0].startswith("default-src 'none'")
    for tag, attributes in page.elements:
        assert tag not in ("script", "link", "img", "iframe", "object", "base", "form")
        assert not {key for key in attributes if key in ("src", "href", "action") or key.startswith("on")}


@pytest.mark.parametrize("name", CASES)
def test_page_says_what_the_text_says(name):
    report, text = CASES[name], Page(CASES[name].to_html()).text
    told = [report.verdict, report.subject, *report.remarks, *report.not_shown, *report.localisation]
    told += [finding.sentence for finding in report.findings]
    told += [check.name for check in report.contract]
    told += [name for names in (report.power.seen, report.power.not_seen) for name in names]
    assert all(printable(each) in text for each in told)


def test_what_comes_from_a_subject_is_escaped():
    page = CASES["hostile"].to_html()
    assert "&lt;script&gt;" in page and "<script" not in page
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]", page)
    assert "{{ 7*7 }}" in page and "49" not in Page(page).text.split("Evidence")[0]
    page.encode("utf-8")


@settings(max_examples=25)
@given(ANY_TEXT)
def test_any_text_is_carried(text):
    plain, page = (Page(replace(CASES["right"], remarks=(each,)).to_html()) for each in ("", text))
    assert [tag for tag, _ in page.elements] == [tag for tag, _ in plain.elements]
    shown = "\n".join(map(printable, text.split("\n")))
    assert page.text == plain.text.replace("Remarks", f"Remarks{shown}")


@pytest.mark.parametrize(
    "chain",
    [
        mlp(2, 3, 1, hidden="tanh", l2="lambda/(2*m)"),
        mlp(hidden="relu"),
        mlp(2, 3, 3, hidden="sigmoid", output="softmax", loss="cross-entropy", l1="lambda/m"),
    ],
)
def test_our_latex_becomes_mathml(chain):
    derived = derive(chain)
    steps = [*derived.forward, *derived.backward, *derived.general]
    written = [form(step) for step in steps for form in (index_latex, matrix_latex)]
    assert written and all(mathml(each) for each in written)


@pytest.mark.parametrize(
    "latex",
    ["", HOSTILE, r"\unknown{x}", r"\frac{1}{", r"\href{http://x.org}{a}", r"{", r"\style{color:red}{x}"],
)
def test_what_is_not_our_latex_is_left_to_the_text(latex):
    assert mathml(latex) is None


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (0.0, 0),
        (1.0, 0),
        (1.01, 1),
        (99.0, 1),
        (101.0, 2),
        (1e15, 8),
        (1e300, 8),
        (math.nan, 9),
        (math.inf, 9),
    ],
)
def test_level_counts_two_decades(error, expected):
    assert level(error) == expected


def test_large_array_is_drawn_in_blocks_by_the_worst():
    errors = np.zeros((130, 3))
    errors[64, 2] = 1e5
    errors[129, 0] = math.nan
    (drawn,) = heat_maps([ErrorMap("W1", (130, 3), tuple(errors.ravel().tolist()))], INTERNAL)
    assert drawn.rows <= LARGEST and drawn.block == (3, 1)
    levels = {(cell.row, cell.column): cell for cell in drawn.cells}
    assert levels[21, 2].level == 3
    assert levels[21, 2].title == "W1[65,3]: 1e+05 of the bound"
    assert levels[43, 0].level == NOT_FINITE
    assert sum(cell.level > 0 for cell in drawn.cells) == drawn.wrong == 2


@pytest.mark.parametrize("layout", [INTERNAL, Layout("in-out", "rows")])
def test_edges_are_coloured_by_their_own_weights(layout):
    """W1[i,j] of 2-3-1 joins input j with unit i, wherever the subject keeps it."""
    network = mlp(2, 3, 1, hidden="tanh")
    shape = (3, 2) if layout == INTERNAL else (2, 3)
    errors = np.zeros(shape)
    errors[(2, 1) if layout == INTERNAL else (1, 2)] = 1e9  # the second input to the third unit
    drawn = chain_drawing(network, [ErrorMap("W1", shape, tuple(errors.ravel().tolist()))], layout)
    (wrong,) = [edge for edge in drawn.edges if edge.level]
    inputs, hidden = drawn.units[:2], drawn.units[2:5]
    assert (wrong.x1, wrong.y1) == (inputs[1].x, inputs[1].y)
    assert (wrong.x2, wrong.y2) == (hidden[2].x, hidden[2].y)
    assert wrong.title == ("W1[3,2]" if layout == INTERNAL else "W1[2,3]")


def test_wide_layers_end_in_dots():
    drawn = chain_drawing(mlp(784, 300, 10), [], INTERNAL)
    assert len(drawn.units) == 2 * UNITS + 10
    assert sum(label.text == "⋮" for label in drawn.labels) == 2


def test_boxes_do_not_meet_and_no_edge_runs_through_one():
    drawn = graph_drawing(GRAPH, [])
    for one, other in pairwise(sorted(drawn.boxes, key=lambda box: (box.x, box.y))):
        assert other.x - one.x >= BOX[0] or other.y - one.y >= BOX[1]
    passing = [path for path in drawn.paths if "H" in path]  # h to s, past a and k
    assert len(passing) == 1
    heights = {float(y) for y in re.findall(r" ([\d.]+) H", passing[0])}
    between = [box for box in drawn.boxes if box.name in "ak"]
    assert all(abs(height - box.y) > BOX[1] / 2 for height in heights for box in between)


def test_graph_whose_node_nothing_reads_and_whose_input_is_read_late_is_drawn():
    odd = graph(
        inputs={"x": (3, "m"), "u": (3, "m")},
        nodes={
            "h": node("tanh", "x"),
            "k": node("tanh", "h"),
            "s": node("add", "k", "u"),
            "idle": node("relu", "u"),
        },
        losses={"E": loss("half-squared", "s")},
    )
    drawn = graph_drawing(odd, [])
    assert {box.name for box in drawn.boxes} == {"x", "u", "h", "k", "s", "idle", "E"}
    assert len(drawn.paths) == 6


def test_shared_parameter_colours_every_box_that_uses_it():
    tied = graph(
        inputs={"x": (3, "m")},
        nodes={
            "h": node("dense", "x", units=3),
            "k": node("dense", "h", units=3, arrays={"W": "h.W"}),
            "y": node("dense", "k", units=1),
        },
        losses={"E": loss("half-squared", "y")},
    )
    drawn = graph_drawing(tied, [ErrorMap("h.W", (3, 3), (1e9,) * 9)])
    assert {box.name for box in drawn.boxes if box.level} == {"h", "k"}


def test_declared_network_is_drawn_where_nothing_is_wrong():
    assert 'class="box' in CASES["graph right"].to_html()
    fixed = replace(CASES["right"], chain=mlp(2, 3, 1, hidden="tanh"))
    assert 'class="unit' in fixed.to_html()
    assert 'class="network' not in CASES["right"].to_html()

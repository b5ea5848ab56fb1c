"""`backproof draw`: what is drawn, as SVG and as TikZ."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import pytest

from backproof.drawing import to_svg, to_tikz
from backproof.network_drawing import backward_drawing, forward_drawing
from backproof.reports.chain_drawing import ChainDrawing
from symbolic.network import mlp
from tests.command import run

NETWORK = mlp(2, 3, 2, hidden="sigmoid")
WEIGHTS = {f"w_{{{i}{j}}}^{{2}}" for i, j in product((1, 2), (1, 2, 3))}


def ends(drawing: ChainDrawing, name: str) -> tuple[str, str]:
    """The units that the edge of this name leads from and to, by what stands above them or in them."""
    (edge,) = (each for each in drawing.edges if each.title == name)

    def nearest(x: float, y: float) -> str:
        unit = min(drawing.units, key=lambda each: (each.x - x) ** 2 + (each.y - y) ** 2)
        return unit.text if unit.text.startswith("a") else unit.above

    return nearest(edge.x1, edge.y1), nearest(edge.x2, edge.y2)


@pytest.mark.parametrize(("k", "i"), list(product((1, 2), (1, 2, 3))))
def test_a_weight_leads_back_where_it_leads_forward(k: int, i: int) -> None:
    name = f"w_{{{k}{i}}}^{{2}}"
    assert ends(forward_drawing(NETWORK), name) == (f"a_{{{i}}}^{{1}}", f"a_{{{k}}}^{{2}}")
    assert ends(backward_drawing(NETWORK), name) == (f"δ_{{{k}}}^{{2}}", f"δ_{{{i}}}^{{1}}")


def test_backward_units_have_gains_and_no_biases_and_the_slope_of_the_error_enters() -> None:
    drawing = backward_drawing(NETWORK)
    assert {edge.text for edge in drawing.edges if edge.text} == WEIGHTS
    texts = [unit.text for unit in drawing.units]
    assert texts == [
        *(f"∂E/∂a_{{{k}}}^{{2}}" for k in (1, 2)),
        *("1", "1"),
        *(f"σ′(z_{{{i}}}^{{1}})" for i in (1, 2, 3)),
    ]
    assert not any("b_" in unit.text + unit.above for unit in drawing.units)
    assert any("b_" in unit.above for unit in forward_drawing(NETWORK).units)


def test_a_softmax_goes_back_by_all_its_slopes() -> None:
    drawing = backward_drawing(mlp(2, 3, output="softmax", loss="cross-entropy"))
    slopes = {f"∂a_{{{k}}}/∂z_{{{i}}}" for k, i in product((1, 2, 3), repeat=2)}
    assert {edge.text for edge in drawing.edges} == slopes


@pytest.mark.parametrize("network", [NETWORK, mlp(3, 40, 12, 1, hidden="relu"), mlp(1, 1)], ids=str)
def test_drawings_are_whole_documents_within_their_frames(network: object) -> None:
    drawings = [forward_drawing(network), backward_drawing(network)]  # type: ignore[arg-type]
    root = ElementTree.fromstring(to_svg(drawings, str(network)))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert len(root.findall(".//{*}line")) == sum(len(each.edges) for each in drawings)
    for drawing in drawings:
        assert all(0 < unit.x < drawing.width and 0 < unit.y < drawing.height for unit in drawing.units)
    source = to_tikz(drawings, str(network))
    assert source.isascii() or not re.search(r"\$[^$]*[^\x00-\x7f][^$]*\$", source)
    assert source.count(r"\draw[arrow]") == sum(len(each.edges) for each in drawings)
    assert source.count("{") == source.count("}")


def test_weights_that_are_written_stand_apart() -> None:
    for widths in product((1, 2, 3, 4), repeat=2):
        drawing = forward_drawing(mlp(*widths))
        places = [edge.place for edge in drawing.edges if edge.text]
        assert all(
            abs(y - other) > 15 or abs(x - beside) > 40
            for n, (x, y) in enumerate(places)
            for beside, other in places[:n]
        )


def test_the_command_writes_by_the_ending_of_the_file_and_refuses_others(tmp_path: Path) -> None:
    for name, start in (("n.svg", "<svg"), ("n.tex", "% 2-3-1")):
        assert run("draw", "2-3-1", "--backward", "-o", name, cwd=tmp_path).returncode == 0
        assert (tmp_path / name).read_text(encoding="utf-8").lstrip().startswith(start)
    done = run("draw", "2-3-1", "-o", "n.png", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (
        2,
        "backproof: n.png: a drawing is written as .svg or .tex\n",
    )

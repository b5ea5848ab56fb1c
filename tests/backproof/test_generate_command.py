"""`backproof generate`: every target, its files beside each other, and requests that are refused."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import get_args

import pytest

import backproof as bp
from backproof import cli
from backproof.generating import write_together
from numeric.native.compiling import COMPILED
from symbolic.codegen import request, targets
from symbolic.codegen.optimizers import OPTIMIZERS
from symbolic.codegen.request import Generated
from symbolic.codegen.targets import TARGETS, generate
from symbolic.errors import BackproofError, Unsupported
from symbolic.network import mlp
from tests.command import run

GUIDE = Path(__file__).parents[2] / "docs/generating.md"
CODEGEN_TESTS = Path(__file__).parents[1] / "symbolic/codegen"
LAYOUT = bp.Layout("in-out", "rows", "1,n", "integer")
TANH = ("2-3-1", "--hidden", "tanh")
GRAPH = """
inputs = {x = [2, "m"]}
nodes.h = {layer = "dense", inputs = ["x"], units = 3}
nodes.a = {layer = "tanh", inputs = ["h"]}
nodes.y = {layer = "dense", inputs = ["a"], units = 1}
losses.E = {loss = "half-squared", inputs = ["y"], arrays = {T = "t"}}
"""
STRICT = ["gcc", "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror"]


@pytest.fixture
def spec(tmp_path: Path) -> str:
    (tmp_path / "graph.toml").write_text(GRAPH)
    return "./graph.toml"


def refused(*arguments: str, cwd: Path) -> str:
    before = {path: path.read_bytes() for path in cwd.rglob("*") if path.is_file()}
    done = run("generate", *arguments, cwd=cwd)
    assert (done.returncode, done.stdout) == (2, "")
    assert {path: path.read_bytes() for path in cwd.rglob("*") if path.is_file()} == before
    return done.stderr


def test_options_of_the_command_are_the_tables() -> None:
    choices = cli.generate.__annotations__

    def of(name: str) -> set[str]:
        return {each for each in _leaves(choices[name]) if isinstance(each, str)}

    assert of("target") == set(TARGETS)
    assert of("dtype") == set(request.DTYPES)
    assert of("form") == set(request.FORMS)
    assert of("optimizer") == set(OPTIMIZERS)


def _leaves(hint: object) -> set[object]:
    arguments = get_args(hint)
    return set().union(*map(_leaves, arguments)) if arguments else {hint} if hint.__hash__ else set()


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_written_for_chains_and_graphs(tmp_path: Path, spec: str, target: str) -> None:
    for number, asked in enumerate((TANH, (spec,))):
        out = tmp_path / f"net{number}{TARGETS[target].suffix}"
        done = run("generate", *asked, "--target", target, "-o", str(out), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        printed = run("generate", *asked, "--target", target, "--name", out.stem, cwd=tmp_path).stdout
        assert out.read_text(encoding="utf-8") in printed
        assert done.stderr.endswith("written\n")
        if out.suffix == ".py":
            compile(out.read_text(encoding="utf-8"), str(out), "exec")


def test_files_of_c_lie_beside_each_other_and_include_each_other(require, tmp_path: Path) -> None:
    require("gcc")
    done = run("generate", *TANH, "--target", "c", "-o", "my-net.c", cwd=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"my-net.c", "my-net.h", "my-net_selftest.c"}
    assert "form: straight-line" in done.stderr
    assert "double my_net_loss(" in (tmp_path / "my-net.h").read_text(encoding="utf-8")
    compiled = subprocess.run([*STRICT, "-c", "my-net.c"], cwd=tmp_path, capture_output=True, text=True)
    assert compiled.returncode == 0, compiled.stderr


def test_name_that_is_said_is_that_of_the_functions_and_the_file_keeps_its_own(
    require, tmp_path: Path
) -> None:
    require("gcc")
    said = ("--target", "c", "--name", 'while"\n#error no\n*/ ??/', "-o", "net.c")
    assert run("generate", *TANH, *said, cwd=tmp_path).returncode == 0
    assert "double while_error_no_loss(" in (tmp_path / "net.h").read_text(encoding="utf-8")
    compiled = subprocess.run([*STRICT, "-c", "net.c"], cwd=tmp_path, capture_output=True, text=True)
    assert compiled.returncode == 0, compiled.stderr


def test_files_in_a_folder_are_called_by_the_name(tmp_path: Path) -> None:
    assert run("generate", *TANH, "--target", "c", "--name", "int", "-o", ".", cwd=tmp_path).returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"int_1.c", "int_1.h", "int_1_selftest.c"}


def test_several_files_are_printed_with_a_line_that_names_each() -> None:
    printed = run("generate", *TANH, "--target", "c").stdout
    names = [
        line
        for line in printed.splitlines()
        if line.startswith("/* network") and line.endswith((".h */", ".c */"))
    ]
    assert names == ["/* network.h */", "/* network.c */", "/* network_selftest.c */"]
    assert "/*" not in run("generate", *TANH).stdout


@pytest.mark.parametrize("place", ["net", "net.h", "net.py", 'a"b.c', "a b.c", "a\nb.c", "nowhere/net.c"])
def test_place_that_no_c_file_can_have_is_refused(tmp_path: Path, place: str) -> None:
    assert "folder" in refused(*TANH, "--target", "c", "-o", place, cwd=tmp_path)


def test_files_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "net.c").write_text("mine")
    (tmp_path / "net_selftest.c").mkdir()
    assert "net_selftest.c is a folder" in refused(*TANH, "--target", "c", "-o", "net.c", cwd=tmp_path)
    with pytest.raises(BackproofError, match="cannot be written"):
        write_together({tmp_path / "a": "a", tmp_path / f"{'b' * 300}": "b"})
    assert {path.name for path in tmp_path.iterdir()} == {"net.c", "net_selftest.c"}


def test_options_that_mean_nothing_there_are_refused(tmp_path: Path, spec: str) -> None:
    assert refused(*TANH, "--form", "loops", cwd=tmp_path) == (
        "backproof: form is a choice of target c, which numpy has not\n"
    )
    assert "--batch" in refused(*TANH, "--batch", "0", cwd=tmp_path)
    assert "a layout is one of chains" in refused(spec, "--samples", "rows", cwd=tmp_path)
    assert "'rust' is not one of" in refused(*TANH, "--target", "rust", cwd=tmp_path)


def test_target_that_cannot_express_a_layer_offers_those_that_can(monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(request: request.Request) -> Generated:
        raise Unsupported("layer 1: no tanh here")

    def only(*able: str) -> dict[str, targets.Target]:
        return {
            name: row if name in able else targets.replace(row, write=cannot) for name, row in TARGETS.items()
        }

    network = mlp(2, 3, 1, hidden="tanh")
    monkeypatch.setattr(targets, "TARGETS", only("numpy", "c"))
    with pytest.raises(Unsupported, match=r"^target jax: layer 1: no tanh here; numpy and c can$"):
        generate(network, "jax")
    monkeypatch.setattr(targets, "TARGETS", only())
    with pytest.raises(Unsupported, match=r"^layer 1: no tanh here$"):
        generate(network, "jax")


def test_table_of_targets_is_what_generate_does(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    chain, graph = mlp(2, 3, 1, hidden="tanh"), bp.from_toml(GRAPH)
    second: dict[str, object] = {"hvp": True, "optimizer": "adam"}
    asked: dict[str, tuple[object, dict[str, object]]] = {
        "chains, in every layout, and in `float32`": (chain, {"layout": LAYOUT, "dtype": "float32"}),
        "graphs of [every layer](layers.md)": (graph, {}),
        "Hessian-vector products and training steps, of chains": (chain, second),
        "Hessian-vector products and training steps, of graphs": (graph, second),
        "`--form straight-line`, `blocks`": (chain, {"form": "straight-line"}),
    }
    rows = [
        [what, *(_answer(network, target, said) for target in TARGETS)]
        for what, (network, said) in asked.items()
    ]
    rows.append(["`bp.compile`, of chains", *("yes" if target in COMPILED else "no" for target in TARGETS)])
    lines = [["", *TARGETS], ["---"] * (1 + len(TARGETS)), *rows]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    head, start, rest = GUIDE.read_text(encoding="utf-8").partition("<!-- what each target expresses -->\n")
    held, end, tail = rest.partition("<!-- end -->")
    if request.config.getoption("--rewrite-golden"):
        GUIDE.write_text(f"{head}{start}{table}{end}{tail}", encoding="utf-8")
        held = table
    assert held == table


def _answer(network: object, target: str, said: dict[str, object]) -> str:
    try:
        generate(network, target, **said)
    except BackproofError:
        return "no"
    return "yes"


def test_every_target_has_a_test_that_runs_every_layer_in_it() -> None:
    """The tests that the guide names stand where it says, with cases of every layer."""
    text = GUIDE.read_text(encoding="utf-8")
    named = re.findall(r"`(test_\w+)::(test_\w+)`", text)
    assert len(named) == 3
    for file, name in named:
        source = (CODEGEN_TESTS / f"{file}.py").read_text(encoding="utf-8")
        assert f"def {name}(" in source
        assert "LAYERS" in source


def test_examples_of_the_guide_run_and_print_what_their_comments_say(
    require, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    require("gcc")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.DOTALL):
        exec(block, names)
        assert capsys.readouterr().out.splitlines() == re.findall(r"print\(.*\)  # (.*)", block)

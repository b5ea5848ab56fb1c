"""Whatever a user names: identifiers are identifiers, no two alike; no comment ends before it should."""

from __future__ import annotations

import ast
import builtins
import keyword
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from symbolic.codegen.names import LOCAL, LONGEST, RESERVED, comment, identifier, identifiers

LANGUAGES = st.sampled_from(["c", "python"])
HOSTILE = [
    "",
    "while",
    "class",
    "restrict",
    "operator",
    "lambda",
    "params",
    "work",
    "x",
    "printf",
    "expf",
    "stdio",
    "Math",
    "numpy",
    "2-3-1",
    "__import__('os')",
    "a b",
    "a\nb",
    'a;system("x")',
    "*/ int main(void) {",
    '"""',
    "h.W",
    "δ₁",
    "日本",
    "n" * 500,
    "\ud800",
    "size_t",
    "_Bool",
    "__cplusplus",
    "while_1",
    "unnamed",
]
TEXTS = st.one_of(
    st.text(),
    st.sampled_from([*HOSTILE, *sorted(LOCAL | RESERVED["c"] | RESERVED["python"])]),
    st.text('*/"\\?\n\r\f u=:', max_size=12),
)


@given(TEXTS, LANGUAGES)
def test_identifier_is_one_and_free_and_short_and_its_own_identifier(text, language):
    name = identifier(text, language)
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name)
    assert name not in RESERVED[language] | LOCAL
    assert len(name) <= LONGEST + 2
    assert identifier(name, language) == name


@given(TEXTS)
def test_identifier_of_python_can_be_assigned_and_hides_no_builtin(text):
    name = identifier(text, "python")
    compile(f"{name} = 1", "test", "exec")
    assert not hasattr(builtins, name)
    assert not keyword.iskeyword(name)


@given(TEXTS)
def test_identifier_of_c_has_no_name_that_is_reserved_in_c_plus_plus(text):
    assert "__" not in f"{identifier(text, 'c')}_forward"


@given(st.lists(TEXTS), LANGUAGES)
@example(["a-b", "a b", "A_B", "a_b"], "c")
def test_identifiers_are_unlike_even_in_upper_case(names, language):
    chosen = identifiers(names, language)
    assert set(chosen) == set(names)
    assert len({name.upper() for name in chosen.values()}) == len(chosen)
    assert all(identifier(name, language) == name for name in chosen.values())


@pytest.mark.parametrize("text", ["net", "my_net2", "W1", "XY_z"])
def test_good_name_stays_as_it_is(text):
    assert identifier(text, "c") == identifier(text, "python") == text


@given(TEXTS)
@example("*/*")
@example("**//")
@example("/" + "*" * 3 + "/")
@example("??/")
def test_comment_of_c_ends_where_it_should(text):
    said = comment(text, "c")
    assert not re.search(r"\*/|/\*|\?\?|\\|[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e]", said)
    assert re.sub(r"/\*.*?\*/", "", f"/* {said} */ int x;") == " int x;"
    said.encode()


@given(TEXTS)
@example('"' * 3)
@example("\\")
@example("-*- coding: utf-7 -*-")
def test_comment_of_python_ends_where_it_should(text):
    said = comment(text, "python")
    tree = ast.parse(f'# {said}\n"""{said}"""\nx = 1  # {said}'.encode())
    first, second = tree.body
    assert isinstance(first, ast.Expr)
    assert first.value.value == said
    assert isinstance(second, ast.Assign)


def test_text_as_it_is_does_break_out():
    text = '*/ int y; /* """'
    assert re.sub(r"/\*.*?\*/", "", f"/* {text} */ int x;") != " int x;"
    with pytest.raises(SyntaxError):
        ast.parse(f'"""{text}"""')


def test_name_that_stands_beside_no_other_may_be_one_of_ours():
    assert identifier("n", "c") == "n_1"
    assert identifier("n", "c", beside=frozenset()) == "n"
    assert identifier("int", "c", beside=frozenset()) == "int_1"


def test_compilers_take_every_name_and_comment(require: Callable[[str], None], tmp_path: Path) -> None:
    require("gcc")
    names = identifiers([*HOSTILE, *sorted(LOCAL | RESERVED["c"])], "c")
    headers = (
        "ctype errno float limits locale math setjmp signal stdarg stddef stdint stdio stdlib string time"
    )
    lines = [f"#include <{header}.h>" for header in headers.split()]
    for name, chosen in names.items():
        lines += [f"/* {comment(name, 'c')} */", f"#define {chosen.upper()}_WORK 1"]
        lines += [
            f"double {chosen}(double {chosen});",
            f"double {chosen}(double {chosen}) {{ return {chosen}; }}",
        ]
    (tmp_path / "names.c").write_text("\n".join(lines) + "\n", encoding="utf-8")
    warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", "names.c"]
    for standard in (["-std=c99"], ["-std=gnu99"], ["-x", "c++", "-std=c++17"]):
        done = subprocess.run(["gcc", *standard, *warnings], cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

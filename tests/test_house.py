"""The house around the code: what importing costs, what a wheel holds, and the gates that CI shuts."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import backproof

ROOT = Path(backproof.__file__).parents[1]
PACKAGES = ("backproof", "symbolic", "numeric", "proofs")
SCRIPTS = Path(sysconfig.get_path("scripts"))
STRANGER = "raise SystemExit('a stranger was imported')\n"
WITHOUT_SITE = ("-S", "-c", "import backproof")  # no installed copy of ours can step in


def run(*command: str | Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder, with nothing of Python's environment but what is given."""
    rest = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run(
        command, cwd=folder, env=rest | environment, capture_output=True, text=True, timeout=300
    )


def python(*arguments: str | Path, folder: Path, home: Path, **environment: str) -> str:
    """What Python prints with backproof found in `home`; the process must end with 0."""
    done = run(sys.executable, *arguments, folder=folder, PYTHONPATH=str(home), **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    done = run(*build, folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.iterdir()
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the wheel, installed, and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    done = run(sys.executable, "-m", "pip", "install", "--no-deps", "--target", folder, wheel, folder=folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(params=["checkout", "wheel"])
def home(request: pytest.FixtureRequest) -> Path:
    """Where `import backproof` finds it: the bare checkout, or an installed wheel."""
    return ROOT if request.param == "checkout" else request.getfixturevalue("installed")


@pytest.fixture
def among_strangers(tmp_path: Path) -> Path:
    """A user's folder with modules that bear our names and must never be run by us."""
    (tmp_path / "proofs").mkdir()
    for name in ("numeric.py", "symbolic.py", "proofs/__init__.py"):
        (tmp_path / name).write_text(STRANGER)
    return tmp_path


def test_table_of_names_is_what_type_checkers_see() -> None:
    tree = ast.parse(Path(backproof.__file__).read_text(encoding="utf-8"))
    (block,) = (
        node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    seen = {
        alias.asname: f"{node.module}.{alias.name}" if node.module == "backproof" else node.module
        for node in imports
        for alias in node.names
    }
    assert seen == backproof._HOME


@pytest.mark.parametrize("name", backproof.__all__)
def test_every_name_loads(name: str) -> None:
    assert getattr(backproof, name) is not None


@pytest.mark.parametrize("name", ["derve"])
def test_misspelt_name_is_an_attribute_error(name: str) -> None:
    with pytest.raises(AttributeError, match=rf"^module 'backproof' has no attribute '{name}'$"):
        getattr(backproof, name)


def test_import_alone_loads_nothing_but_the_standard_library(tmp_path: Path) -> None:
    program = "import sys; before = {*sys.modules}; import backproof; print(*{*sys.modules} - before)"
    loaded = {name.partition(".")[0] for name in python("-c", program, folder=tmp_path, home=ROOT).split()}
    assert "backproof" in loaded
    assert loaded - sys.stdlib_module_names == {"backproof"}


def test_help_loads_no_mathematics(tmp_path: Path) -> None:
    done = run(
        sys.executable, "-X", "importtime", "-m", "backproof", "--help", folder=tmp_path, PYTHONPATH=str(ROOT)
    )
    loaded = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert {"backproof.cli", "typer"} <= loaded
    assert loaded.isdisjoint({"sympy", "hypothesis", "numpy", "flint", "lark"})


@pytest.mark.parametrize("call", ["-m backproof", "-mbackproof", "-P -m backproof"])
def test_module_run_leaves_the_users_modules_alone(among_strangers: Path, home: Path, call: str) -> None:
    assert "derive" in python(*call.split(), "--help", folder=among_strangers, home=home)


def test_module_run_in_safe_path_mode_leaves_the_users_modules_alone(
    among_strangers: Path, home: Path
) -> None:
    safe = {"PYTHONSAFEPATH": "1"}
    assert "derive" in python("-m", "backproof", "--help", folder=among_strangers, home=home, **safe)


def test_safe_path_mode_keeps_the_first_entry_of_pythonpath(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise SystemExit('the first entry is there')")
    path = os.pathsep.join((str(tmp_path), str(ROOT)))
    done = run(sys.executable, "-P", "-m", "backproof", folder=ROOT, PYTHONPATH=path)
    assert done.stderr == "the first entry is there\n"


def test_run_of_another_module_that_imports_backproof_keeps_its_working_folder(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "__init__.py").write_text("import backproof")
    (tmp_path / "theirs" / "__main__.py").write_text("import sys; print(sys.path[0])")
    assert python("-m", "theirs", folder=tmp_path, home=ROOT) == f"{tmp_path}\n"


def test_module_run_in_the_checkout_itself_finds_backproof() -> None:
    done = run(sys.executable, "-m", "backproof", "--help", folder=ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("stranger", ["numeric.py", "symbolic.py", "proofs/__init__.py"])
def test_import_beside_a_stranger_names_both_files_and_the_remedy(
    tmp_path: Path, home: Path, stranger: str
) -> None:
    path = tmp_path / stranger
    path.parent.mkdir(exist_ok=True)
    path.write_text(STRANGER)
    (tmp_path / "script.py").write_text("import backproof\n")
    done = run(sys.executable, "script.py", folder=tmp_path, PYTHONPATH=str(home))
    name = Path(stranger).parts[0].removesuffix(".py")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        f"ImportError: backproof needs its own package '{name}' from {home / name / '__init__.py'}, "
        f"but `import {name}` finds {path}; rename that one, or install backproof into an environment "
        "of its own and use its command `backproof check`, which lets your files keep their names"
    )


def test_import_without_its_siblings_says_that_they_are_missing(tmp_path: Path) -> None:
    package = tmp_path / "backproof"
    package.mkdir()
    (package / "__init__.py").write_bytes(Path(backproof.__file__).read_bytes())
    done = run(sys.executable, *WITHOUT_SITE, folder=tmp_path)
    assert "`import symbolic` finds nothing" in done.stderr


def test_folder_that_is_no_package_is_no_stranger(tmp_path: Path, home: Path) -> None:
    (tmp_path / "proofs").mkdir()
    python(*WITHOUT_SITE, folder=tmp_path, home=home)


def test_wheel_holds_every_source_file_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    sources = {
        path.relative_to(ROOT).as_posix()
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name.partition("/")[0] for name in held} == set(PACKAGES)
    assert held == sources


def test_wheel_alone_derives_generates_and_checks(installed: Path, tmp_path: Path) -> None:
    def backproof(*arguments: str) -> str:
        return python("-P", "-m", "backproof", *arguments, folder=tmp_path, home=installed)

    found = python("-P", "-c", "import backproof; print(backproof.__file__)", folder=tmp_path, home=installed)
    assert Path(found.strip()).is_relative_to(installed)
    assert backproof("derive", "2-3-1")
    backproof("generate", "2-3-1", "--hidden", "tanh", "--target", "numpy", "-o", "network.py")
    assert backproof("check", "network.py:gradient", "2-3-1", "--hidden", "tanh")


@pytest.mark.parametrize("arguments", ["ruff check", "ruff format --check", "mypy", "lint-imports"])
def test_gate_is_passed(arguments: str) -> None:
    program, *rest = arguments.split()
    done = run(SCRIPTS / program, *rest, folder=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_missing_component_skips_with_what_to_install_but_fails_where_it_is_required(
    require: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("BACKPROOF_REQUIRE_COMPONENTS", raising=False)
    with pytest.raises(pytest.skip.Exception, match=r"^pdflatex is missing: apt-get install texlive"):
        require("pdflatex")
    monkeypatch.setenv("BACKPROOF_REQUIRE_COMPONENTS", "1")
    with pytest.raises(pytest.fail.Exception, match=r"^pdflatex is missing"):
        require("pdflatex")

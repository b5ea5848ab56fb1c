"""The command line. Importing it imports nothing heavy: each command brings in what it needs when it runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import typer

from backproof.options import (
    DeclaredLayout,
    LayoutOptions,
    ReportOptions,
    SearchOptions,
    SpecOptions,
    SubjectOptions,
    flattened,
)

IMPOSSIBLE, FAILED, INTERRUPTED = 2, 3, 130  # the other exit codes belong to reports

app = typer.Typer(
    name="backproof",
    help="Decides whether a backpropagation is right, and shows why.",
    epilog="Exit codes: 0 right · 1 wrong · 2 impossible request · 3 the subject failed · 4 undecided · "
    "130 Ctrl-C",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Spec: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="SPEC", help="Sizes (2-3-1, 2-?-1, ?-…-?, n0-…-nL), a .toml file, a layer, or an equation."
    ),
]
Out: TypeAlias = Annotated[
    Path | None, typer.Option("-o", "--out", help="Write to this file.", show_default="print")
]


def main() -> int:
    """Run the command line and return the exit code; a user's mistake prints its message alone."""
    from symbolic.errors import BackproofError

    try:
        app()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except BackproofError as error:
        print(f"backproof: {error}", file=sys.stderr)
        return FAILED if type(error).__name__ == "SubjectFailed" else IMPOSSIBLE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    return 0


@app.command()
@flattened
def derive(
    spec: Spec,
    options: SpecOptions,
    layout: LayoutOptions,
    wrt: Annotated[
        str | None,
        typer.Option(help="One parameter, counted from 1: 'W1[2,1]' or 'b2[1]'; of a graph an array: h.W."),
    ] = None,
    form: Annotated[
        Literal["index", "matrix", "einsum", "closed"],
        typer.Option(help="How to write it; in index form where there is none of the kind."),
    ] = "index",
    format: Annotated[Literal["text", "latex", "json"], typer.Option(help="What to print.")] = "text",
) -> None:
    """Derive ∂E/∂w of a network or a graph, or the backward equations of a layer (`backproof layers`)."""
    from backproof import showing

    print(showing.derivation(spec, options, layout.layout, wrt=wrt, form=form, format=format))


@app.command()
def layers() -> None:
    """List the layers that `derive` and the nodes of a graph know, with their equations and settings."""
    from backproof import layers_table

    layers_table.show()


@app.command()
@flattened
def generate(
    spec: Spec,
    options: SpecOptions,
    layout: LayoutOptions,
    target: Annotated[Literal["numpy", "jax", "torch", "c"], typer.Option(help="The language.")] = "numpy",
    dtype: Annotated[
        Literal["float64", "float32"], typer.Option(help="The precision throughout.")
    ] = "float64",
    batch: Annotated[
        int, typer.Option(min=1, help="Samples to be fast for; any other number works too.")
    ] = 1,
    name: Annotated[
        str | None, typer.Option(help="What names in C begin with.", show_default="that of the file")
    ] = None,
    form: Annotated[
        Literal["loops", "blocks", "straight-line"] | None,
        typer.Option(help="How C is written.", show_default="by widths and batch"),
    ] = None,
    hvp: Annotated[  # noqa: FBT002  # the signature is what typer reads
        bool, typer.Option("--hvp", help="Hessian-vector products too.")
    ] = False,
    optimizer: Annotated[
        Literal["sgd", "momentum", "adam"] | None,
        typer.Option(help="A training step too.", show_default="none"),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Write to this file; C also beside it.", show_default="print"),
    ] = None,
) -> None:
    """Generate self-contained code: forward pass, loss and gradient of a network or a graph."""
    from backproof import generating

    generating.run(
        spec,
        options,
        layout,
        target=target,
        dtype=dtype,
        batch=batch,
        name=name,
        form=form,
        hvp=hvp,
        optimizer=optimizer,
        out=out,
    )


@app.command()
@flattened
def check(
    network: SpecOptions,
    how: SubjectOptions,
    layout: DeclaredLayout,
    search: SearchOptions,
    reports: ReportOptions,
    subject: Annotated[
        str | None,
        typer.Argument(
            metavar="SUBJECT",
            help="FILE.py:NAME, FILE.c[:NAME], FILE.so, or a manifest, backproof.toml.",
            show_default=False,
        ),
    ] = None,
    spec: Annotated[
        str | None,
        typer.Argument(
            metavar="SPEC",
            help="Sizes (2-3-1, 2-?-1, ?-…-?) or a .toml file of a network or graph; a manifest has its own.",
            show_default=False,
        ),
    ] = None,
    init: Annotated[  # noqa: FBT002  # the signature is what typer reads
        bool, typer.Option("--init", help="Call SUBJECT to find out its form, and write backproof.toml.")
    ] = False,
    pytest: Annotated[  # noqa: FBT002
        bool, typer.Option("--pytest", help="With --init: write a test file instead.")
    ] = False,
) -> None:
    """Decide whether somebody's backward pass is right, under which convention, or which formula is wrong."""
    from backproof import checking_command, initialising

    request = checking_command.Request(subject, spec, network, layout, how, search, reports)
    if init or pytest:
        raise typer.Exit(initialising.run(request, as_test=pytest))
    raise typer.Exit(checking_command.run(request))


@app.command()
@flattened
def latex(
    spec: Spec,
    options: SpecOptions,
    layout: LayoutOptions,
    out: Out = None,
    pdf: Annotated[  # noqa: FBT002  # the signature is what typer reads
        bool, typer.Option("--pdf", help="Run a LaTeX engine and write the PDF beside FILE.")
    ] = False,
) -> None:
    """Write the derivation as a standalone LaTeX document."""
    from backproof import documents

    documents.write(spec, options, layout.layout, out=out, pdf=pdf)


@app.command()
@flattened
def prove(spec: Spec, options: SpecOptions) -> None:
    """Prove closed form = derivation for every parameter of a small network, by polynomial normal form."""
    from backproof import proving

    raise typer.Exit(proving.run(spec, options))


@app.command()
def demo(
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the files it writes.")] = Path(
        "backproof-demo"
    ),
) -> None:
    """Derive 2-3-1, generate its code, find the bug in a wrong example, and write the LaTeX."""
    from backproof import demonstration

    raise typer.Exit(demonstration.run(out))

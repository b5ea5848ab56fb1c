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
def prove(
    spec: Spec,
    options: SpecOptions,
    json: Annotated[
        Path | None, typer.Option(help="Write a certificate that `proofs/checker.py` accepts.")
    ] = None,
    coq: Annotated[
        Path | None, typer.Option(help="Write Coq lemmas; for open sizes those that tie it to the theorem.")
    ] = None,
) -> None:
    """Prove closed form = derivation for every parameter of a network; see docs/proving.md."""
    from backproof import proving

    raise typer.Exit(proving.run(spec, options, certificate_to=json, coq_to=coq))


@app.command()
def claim(
    formula: Annotated[
        str,
        typer.Argument(metavar="FORMULA", help="Such as 'D(E, W[l]) = delta[l] @ a[l-1].T', or LaTeX."),
    ],
    given: Annotated[
        Path,
        typer.Option(
            metavar="claim.toml", help="What it speaks of: sizes, arrays, definitions, conventions."
        ),
    ],
    latex: Annotated[  # noqa: FBT002  # the signature is what typer reads
        bool, typer.Option("--latex", help="FORMULA is LaTeX.")
    ] = False,
    max_time: Annotated[float, typer.Option(min=0.1, max=3600, help="Seconds to judge and explain.")] = 30,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,  # noqa: FBT002
) -> None:
    """Decide whether a formula is true: if not, a counterexample and the nearest true formula."""
    from backproof import claiming

    raise typer.Exit(claiming.run(formula, given, latex=latex, max_time=max_time, as_json=json))


@app.command()
def audit(
    document: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of this document alone.", show_default="all")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,  # noqa: FBT002
    write: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the verdicts.", show_default="none")
    ] = None,
) -> None:
    """Judge every formula of five published derivations, and compare with the stored verdicts."""
    from backproof import auditing

    raise typer.Exit(auditing.run(document, as_json=json, write=write))


@app.command()
def theorems(
    about: Annotated[
        str | None, typer.Argument(help="Show the proofs of those about one thing.", show_default="all")
    ] = None,
) -> None:
    """Prove the theorems that hold for every network, and list them with their scopes."""
    from backproof import theorems_command

    raise typer.Exit(theorems_command.run(about))


@app.command()
@flattened
def execute(
    spec: Spec,
    options: SpecOptions,
    layout: LayoutOptions,
    batch: Annotated[int, typer.Option(min=1, help="Samples to draw.")] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Of what is drawn.")] = 0,
    at: Annotated[
        Path | None,
        typer.Option(metavar="FILE.npz", help="At its W1, b1, …, x, t.", show_default="drawn numbers"),
    ] = None,
    lam: Annotated[float, typer.Option(help="λ of a penalty.")] = 0.1,
) -> None:
    """Execute the matrix expressions of a small network with numbers, module by module, there and back."""
    from backproof import executing

    executing.run(spec, options, layout, batch=batch, seed=seed, at=at, lam=lam)


@app.command()
@flattened
def draw(
    spec: Spec,
    options: SpecOptions,
    backward: Annotated[  # noqa: FBT002  # the signature is what typer reads
        bool, typer.Option("--backward", help="The network of linear neurons that goes back, too.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", metavar="FILE", help="Write this .svg or .tex.", show_default="print SVG"
        ),
    ] = None,
) -> None:
    """Draw a network, and its backward pass as a network of linear neurons with transposed weights."""
    from backproof import drawing

    drawing.run(spec, options, backward=backward, out=out)


@app.command()
@flattened
def train(
    spec: Spec,
    options: SpecOptions,
    layout: LayoutOptions,
    rates: Annotated[str, typer.Option(help="η, or one for each layer: 0.1,0.2.")] = "0.1",
    until: Annotated[float, typer.Option(help="Until E is at most this.")] = 0.01,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="A .csv, each row inputs then targets, or an .npz with x, t and perhaps W1, b1, …",
            show_default="drawn",
        ),
    ] = None,
    steps: Annotated[int, typer.Option(min=0, help="At most so many.")] = 10000,
    seed: Annotated[int, typer.Option(min=0, help="Of what is drawn.")] = 0,
    lam: Annotated[float | None, typer.Option(help="λ of a penalty.", show_default="none")] = None,
    dtype: Annotated[
        Literal["float64", "float32"], typer.Option(help="The precision throughout.")
    ] = "float64",
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", metavar="FILE.npz", help="Write W1, b1, … to this file.", show_default="nowhere"
        ),
    ] = None,
) -> None:
    """Train by gradient descent with the generated code, until E is small enough: 0, or not: 1."""
    from backproof import training

    code = training.run(
        spec,
        options,
        layout,
        rates=rates,
        until=until,
        data=data,
        steps=steps,
        seed=seed,
        lam=lam,
        dtype=dtype,
        out=out,
    )
    raise typer.Exit(code)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the files it writes.")] = Path(
        "backproof-demo"
    ),
) -> None:
    """Derive 2-3-1, generate its code, find the bug in a wrong example, and write the LaTeX."""
    from backproof import demonstration

    raise typer.Exit(demonstration.run(out))

"""`check --init`: what is found out by calling a subject, as a manifest or a test file to begin with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from string import Template
from textwrap import wrap
from typing import Final

from backproof.checking_command import Request, opened, planned
from backproof.designed import designed, points_of
from backproof.detecting import LAYOUTS, Found, detect
from backproof.files import write_whole
from backproof.forms import KINDS, Form
from backproof.guessing import Guess, choices, guesses
from backproof.manifest import NAME, Manifest, write_manifest
from backproof.options import SpecOptions
from backproof.points import Targets, targets_of
from backproof.spec import resolve_chain
from backproof.subjects import NoSuchSubject, parse_subject
from symbolic.conventions import CHOICES, Layout
from symbolic.errors import BackproofError
from symbolic.network import Network, read_sizes
from symbolic.toml_format import toml_value

ANY: Final = "?-…-?"
SAID: Final = ".toml"  # of a network, which says its activations and loss itself
WIDTH: Final = 88
GUESSED: Final = ["tanh"]  # for hidden layers, where nothing is found out
TEST: Final = Template('''\
"""$name of $file is the gradient of this family of networks."""

import backproof as bp
from $module import $name


@bp.backprop_test($arguments)
def test_$name():
    return $name
''')


def run(request: Request, *, as_test: bool) -> int:
    """Ask the subject in one form after another, write what is found, say it, and return the exit code."""
    if request.subject is None:
        raise NoSuchSubject("--init calls a subject; give FILE.py:NAME")
    path, name = parse_subject(request.subject)
    target = path.with_name(f"test_{path.stem}.py") if as_test else Path(NAME)
    if target.exists():
        raise BackproofError(f"{target} is there already, and is not overwritten")
    told, folder = planned(replace(request, spec=request.spec or ANY))
    is_open = not told.sizes.endswith(SAID)
    if is_open and not told.spec.hidden and len(read_sizes(told.sizes) or ANY) > 2:
        told = replace(told, spec=replace(told.spec, hidden=GUESSED))
    chain = resolve_chain(told.sizes, told.spec, command="check --init")
    network, samples = next(iter(designed(chain)))
    found, guessed = _found(told, request.network, folder, network, samples)
    if not found:
        raise BackproofError(
            f"in no form that is tried does {request.subject} answer with arrays shaped like its parameters; "
            "docs/checking.md lists the forms, to be said by --form"
        )
    form = found[0].form
    layouts = [each.layout for each in found if each.form == form]
    layout = {**_common(layouts, has_classes=_has_classes(network)), **told.layout}
    told = replace(
        told, form=form, layout=layout, spec=_guessed(told.spec, guessed) if is_open else told.spec
    )
    written = _test(told, path, name) if as_test else write_manifest(told)
    said = _of_guess(guessed, network, request.network) if is_open else []
    comment = "".join(f"# {line}\n" for each in said for line in wrap(each, WIDTH))
    write_whole(target, written.replace(mark := "@bp." if as_test else "[network]", comment + mark, 1))
    _tell(request.subject, found, layout, target, said)
    return 0


def _guessed(spec: SpecOptions, found: list[Guess]) -> SpecOptions:
    """The options with the first guess in place of what is not said."""
    if not found:
        return spec
    hidden = list(dict.fromkeys(found[0].hidden))
    kept = spec.hidden if len(hidden) > 1 else hidden or None
    return replace(spec, hidden=kept, output=found[0].output, loss=found[0].loss)


def _of_guess(found: list[Guess], network: Network, said: SpecOptions) -> list[str]:
    """How the activations and the loss were found, or what was tried."""
    if found:
        first, *others = map(str, found)
        rest = [f"not told apart here from {'; '.join(others)}"] if others else []
        return [f"by its values at a few points: {first}", *rest]
    tried = list(choices(network, said))
    hidden, outputs, losses = (
        ", ".join(dict.fromkeys(each))
        for each in (
            (name for guess in tried for name in guess.hidden),
            (guess.output for guess in tried),
            (guess.loss for guess in tried),
        )
    )
    of_hidden = f"hidden {hidden}; " if hidden else ""
    return [
        f"none that was tried has its gradient by the last layer: {of_hidden}output {outputs}; loss {losses}",
        "so the activations and the loss are to be said here; they are no more than a guess",
    ]


def _has_classes(network: Network) -> bool:
    return targets_of(network) == "one-hot"


def _found(
    told: Manifest, said: SpecOptions, folder: Path, network: Network, samples: int
) -> tuple[list[Found], list[Guess]]:
    """The forms in which it answers, and in the first of them the activations and losses that it may have."""
    targets: Targets | None = "one-hot" if _has_classes(network) else None
    (point,) = points_of(network, samples, count=1, targets=targets)
    tried = [
        each
        for each in LAYOUTS
        if all(getattr(each, name) == value for name, value in told.layout.items())
        and (each.labels == "one-hot" or targets)
    ]
    with opened(replace(told, form=Form("object")), folder) as subject:
        found = detect(subject, network, point, tried)
        if not found:
            return [], []
        form = found[0].form
        subject.take(form)
        layouts = [each.layout for each in found if each.form == form]
        return found, guesses(subject, network, form, layouts, said)


def _common(layouts: list[Layout], *, has_classes: bool) -> dict[str, str]:
    """What all of them say; of labels where there are classes."""
    return {
        name: getattr(layouts[0], name)
        for name in CHOICES
        if len({getattr(each, name) for each in layouts}) == 1 and (has_classes or name != "labels")
    }


def _test(told: Manifest, path: Path, name: str) -> str:
    if not (path.stem.isidentifier() and name.isidentifier()):
        raise BackproofError(f"{path.name}:{name} cannot be imported by its name; write a manifest instead")
    arguments = [_call("bp.mlp", _network(told), first=toml_value(told.sizes))]
    if told.form != Form():
        arguments.append("form=" + _call("bp.Form", told.form.said))
    if told.layout:
        arguments.append("layout=" + _call("dict", told.layout))
    inside = "".join(f"\n    {each}," for each in arguments) + "\n" if len(arguments) > 1 else arguments[0]
    return TEST.substitute(name=name, file=path.name, module=path.stem, arguments=inside)


def _call(function: str, named: Mapping[str, object], *, first: str = "") -> str:
    """The call in a line, or with a line for each argument; texts have double quotes, as in TOML."""
    given = [first] * bool(first)
    given += [
        f"{key}={toml_value(value) if isinstance(value, str) else repr(value)}"
        for key, value in named.items()
    ]
    line = f"{function}({', '.join(given)})"
    if len(line) <= WIDTH:
        return line
    return f"{function}(\n" + "".join(f"        {each},\n" for each in given) + "    )"


def _network(told: Manifest) -> dict[str, object]:
    """The keywords of `mlp` that these options are."""
    given = {key: value for key, value in asdict(told.spec).items() if value not in (None, [], False)}
    if given.pop("no_bias", False):
        given["bias"] = False
    if len(told.spec.hidden or ()) == 1:
        given["hidden"] = given["hidden"][0]
    return given


def _tell(
    subject: str, found: list[Found], layout: dict[str, str], target: Path, said: Sequence[str]
) -> None:
    form = found[0].form
    print(f"{subject} is {KINDS[form.kind].what}")
    print(f"  form: {_said(form.said) or 'params, x, t, as they stand'}")
    print(f"  layout: {_said(layout) or 'nothing told from shapes alone'}")
    for sentence in said:
        print(f"  {sentence}")
    if left := [name for name in CHOICES if name not in layout]:
        print(f"  left to be found out by values: {', '.join(left)}")
    for other in dict.fromkeys(each.form for each in found if each.form != form):
        print(f"  it answers in this form too: {_said(other.said) or 'as it stands'}")
    run = f"pytest {target}" if target.suffix == ".py" else f"backproof check {target}"
    print(f"{target} written; say in it what the network is, then: {run}")


def _said(values: Mapping[str, object]) -> str:
    return ", ".join(f"{key} = {value!r}" for key, value in values.items())

"""backproof.toml: which subject, in which form and layout, against which network, and how it is checked.

    subject = "net.py:gradient"

    [form]                        [network]
    params = "flat"               sizes = "?-…-?"
                                  hidden = ["tanh"]
    [layout]                      output = "softmax"
    weights = "in-out"            loss = "cross-entropy"
    samples = "rows"
                                  [check]
    [settings]                    max_time = 60.0
    lambda = 0.1                  skip = ["finite"]

Only subject and network.sizes have to be there. What [layout] leaves open is found out. The subject is what
`backproof check` takes: FILE.py:NAME, FILE.c with a prototype in [form], or a program with kind = "command".
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from backproof.forms import Form, form_from
from backproof.options import SpecOptions
from symbolic.conventions import CHOICES, Layout
from symbolic.errors import InvalidNetwork
from symbolic.toml_format import check_keys, loaded, toml_value

NAME: Final = "backproof.toml"
NUMBER: Final = (int, float)
TABLES: Final = {
    "subject": str,
    "python": str,
    "network": dict,
    "form": dict,
    "layout": dict,
    "settings": dict,
    "check": dict,
}
NETWORK: Final = {
    "sizes": str,
    "hidden": list,
    "output": str,
    "loss": str,
    "scale": str,
    "l2": str,
    "l1": str,
    "penalize_biases": bool,
    "no_bias": bool,
}
CHECK: Final = {
    "max_examples": int,
    "max_time": NUMBER,
    "call_time": NUMBER,
    "seed": int,
    "draw": list,
    "only": list,
    "skip": list,
    "strict": bool,
}
WHY: Final = {
    "subject": "what is checked: FILE.py:NAME, from this file's folder",
    "network": "what it is to be the gradient of",
    "form": "how it is asked and where its gradient is",
    "layout": "how it stores arrays; what is not said is found out",
    "settings": "numbers that it does not take as parameters",
    "check": "how long to look, and which checks",
}


@dataclass(frozen=True, slots=True)
class Options:
    """How a subject is checked; times in seconds, None where the check has its own default."""

    max_examples: int | None = None
    max_time: float | None = None
    call_time: float | None = None
    seed: int | None = None
    draw: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backproof.toml says: `sizes` and `spec` as on the command line, `python` an interpreter."""

    subject: str
    sizes: str
    spec: SpecOptions = field(default_factory=SpecOptions)
    form: Form = field(default_factory=Form)
    layout: dict[str, str] = field(default_factory=dict)
    settings: dict[str, float] = field(default_factory=dict)
    check: Options = field(default_factory=Options)
    python: str = ""


def read_manifest(path: Path) -> Manifest:
    """The manifest at a path. Raises InvalidNetwork or InvalidForm, which name the file and the key."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InvalidNetwork(
            f"there is no file {path}; backproof check --init FILE.py:NAME writes one"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidNetwork(f"{path} cannot be read: {error}") from None
    return manifest_from(text, source=str(path))


def manifest_from(text: str, *, source: str) -> Manifest:
    """The manifest that a TOML text holds. Raises as `read_manifest`."""
    data = loaded(text, source)
    check_keys(data, TABLES, source)
    network, layout, check = (data.get(name, {}) for name in ("network", "layout", "check"))
    check_keys(network, NETWORK, f"{source}, network")
    check_keys(layout, dict.fromkeys(CHOICES, str), f"{source}, layout")
    check_keys(check, CHECK, f"{source}, check")
    settings = data.get("settings", {})
    check_keys(settings, dict.fromkeys(settings, NUMBER), f"{source}, settings")
    if "subject" not in data or "sizes" not in network:
        missing = "subject" if "subject" not in data else "network.sizes"
        raise InvalidNetwork(f"{source}: {missing} is missing; it says {_MISSING[missing]}")
    for where, lists in (("network", network), ("check", check)):
        for key, value in lists.items():
            if isinstance(value, list) and not all(isinstance(each, str) for each in value):
                raise InvalidNetwork(f"{source}, {where}: {key} = {value!r}; it has to be a list of texts")
    return Manifest(
        subject=data["subject"],
        sizes=network["sizes"],
        spec=SpecOptions(**{key: value for key, value in network.items() if key != "sizes"}),
        form=form_from(data.get("form", {}), f"{source}, form"),
        layout=_layout(layout, source),
        settings={key: float(value) for key, value in settings.items()},
        check=Options(**{key: _option(value) for key, value in check.items()}),
        python=data.get("python", ""),
    )


def write_manifest(manifest: Manifest) -> str:
    """The text of a backproof.toml, with a comment to each table; `manifest_from` reads it back.

    >>> print(write_manifest(Manifest("net.py:gradient", "2-3-1", form=Form(params="flat"))))
    # backproof check reads this file: `backproof check backproof.toml`.
    <BLANKLINE>
    # what is checked: FILE.py:NAME, from this file's folder
    subject = "net.py:gradient"
    <BLANKLINE>
    # what it is to be the gradient of
    [network]
    sizes = "2-3-1"
    <BLANKLINE>
    # how it is asked and where its gradient is
    [form]
    params = "flat"
    <BLANKLINE>
    """
    spec = {"sizes": manifest.sizes, **_said(manifest.spec, SpecOptions())}
    tables = {
        "network": spec,
        "form": manifest.form.said,
        "layout": manifest.layout,
        "settings": manifest.settings,
        "check": _said(manifest.check, Options()),
    }
    head = [f"# {WHY['subject']}", f"subject = {toml_value(manifest.subject)}"]
    head += [f"python = {toml_value(manifest.python)}"] if manifest.python else []
    parts = [f"# backproof check reads this file: `backproof check {NAME}`.", "\n".join(head)]
    parts += [_table(name, values) for name, values in tables.items() if values]
    return "\n\n".join(parts) + "\n"


_MISSING: Final = {
    "subject": 'what is checked, as in subject = "net.py:gradient"',
    "network.sizes": 'which networks it is for, as in sizes = "?-…-?" below [network]',
}


def _table(name: str, values: dict[str, Any]) -> str:
    lines = [f"{_key(key)} = {toml_value(value)}" for key, value in values.items()]
    return "\n".join([f"# {WHY[name]}", f"[{name}]", *lines])


def _key(name: str) -> str:
    return name if name.replace("_", "a").isalnum() and name.isascii() else toml_value(name)


def _said(values: Any, default: Any) -> dict[str, Any]:
    given = {each.name: getattr(values, each.name) for each in fields(values)}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in given.items()
        if value != getattr(default, name)
    }


def _layout(data: dict[str, str], source: str) -> dict[str, str]:
    try:
        Layout(**data)  # type: ignore[arg-type]  # it refuses what is none of its choices
    except InvalidNetwork as error:
        raise InvalidNetwork(f"{source}, layout: {error}") from None
    return data


def _option(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value

"""backproof.toml: what is written is read back, and what nobody knows is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backproof.forms import Form, InvalidForm
from backproof.manifest import Manifest, Options, manifest_from, read_manifest, write_manifest
from backproof.options import SpecOptions
from symbolic.conventions import CHOICES
from symbolic.errors import InvalidNetwork

texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
names = st.lists(texts, max_size=2).map(tuple)
seconds = st.floats(0.0, 1e6)
layouts = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(choices) for name, choices in CHOICES.items()}
)
forms = st.sampled_from(
    [
        Form(),
        Form(params="flat", arguments="x, t, params", returns="loss, grads"),
        Form("update", eta=0.25, sign="+"),
        Form("object", init="sizes", weight="weights[{l}]", bias="biases[{l}]", first=0),
        Form("torch-module", loss="mse_loss", dtype="float32"),
        Form(params="list", biases="first-row", bias_input=-1),
        Form("c", prototype="double f(const double *params)", accumulates=True),
    ]
)
manifests = st.builds(
    Manifest,
    subject=texts,
    sizes=texts,
    spec=st.builds(
        SpecOptions,
        hidden=st.none() | st.lists(texts, min_size=1),
        loss=st.none() | texts,
        no_bias=st.booleans(),
    ),
    form=forms,
    layout=layouts,
    settings=st.dictionaries(texts, seconds, max_size=2),
    check=st.builds(
        Options,
        max_time=st.none() | seconds,
        seed=st.none() | st.integers(0, 9),
        only=names,
        strict=st.booleans(),
    ),
    python=texts,
)


@given(manifests)
def test_what_is_written_is_read_back(manifest: Manifest) -> None:
    assert manifest_from(write_manifest(manifest), source="backproof.toml") == manifest


HEAD = 'subject = "net.py:gradient"\n'
SIZES = '[network]\nsizes = "2-3-1"\n'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "subjekt = 1",
            "m.toml: no key 'subjekt'; choose from subject, python, network, form, layout, settings, check",
        ),
        (SIZES, 'm.toml: subject is missing; it says what is checked, as in subject = "net.py:gradient"'),
        (
            HEAD,
            'm.toml: network.sizes is missing; it says which networks it is for, as in sizes = "?-…-?" '
            "below [network]",
        ),
        ("subject = 1", "m.toml: subject = 1 has the wrong type"),
        ("subject = ", "m.toml is no TOML: Invalid value (at end of document)"),
        (
            f"{HEAD}{SIZES}widths = 3",
            "m.toml, network: no key 'widths'; choose from sizes, hidden, output, loss, scale, l2, l1, "
            "penalize_biases, no_bias",
        ),
        (f"{HEAD}{SIZES}hidden = [1]", "m.toml, network: hidden = [1]; it has to be a list of texts"),
        (
            f"{HEAD}{SIZES}[layout]\nweights = 'diagonal'",
            "m.toml, layout: no weights convention 'diagonal'; choose from out-in, in-out",
        ),
        (
            f"{HEAD}{SIZES}[layout]\nsample = 'rows'",
            "m.toml, layout: no key 'sample'; choose from weights, samples, bias_shape, labels",
        ),
        (
            f"{HEAD}{SIZES}[check]\nrtol = 1e-5",
            "m.toml, check: no key 'rtol'; choose from max_examples, max_time, call_time, seed, draw, only, "
            "skip, strict",
        ),
        (f"{HEAD}{SIZES}[check]\nseed = true", "m.toml, check: seed = True has the wrong type"),
        (f"{HEAD}{SIZES}[settings]\nlambda = 'much'", "m.toml, settings: lambda = 'much' has the wrong type"),
    ],
)
def test_what_nobody_knows_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(InvalidNetwork) as caught:
        manifest_from(text, source="m.toml")
    assert str(caught.value) == message


def test_a_form_that_cannot_be_is_refused_with_its_file() -> None:
    with pytest.raises(
        InvalidForm, match=r"^m\.toml, form: no kind 'neural'; choose from function, update, object,"
    ):
        manifest_from(f"{HEAD}{SIZES}[form]\nkind = 'neural'", source="m.toml")
    with pytest.raises(InvalidForm, match=r"^m\.toml, form: no key 'orders'; choose from kind, params, "):
        manifest_from(f"{HEAD}{SIZES}[form]\norders = 'x, t'", source="m.toml")


def test_a_file_that_is_not_there_is_refused_with_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidNetwork, match=r"there is no file .*; backproof check --init FILE\.py:NAME writes one"
    ):
        read_manifest(tmp_path / "backproof.toml")
    (tmp_path / "backproof.toml").write_bytes(b"\xff")
    with pytest.raises(InvalidNetwork, match="cannot be read"):
        read_manifest(tmp_path / "backproof.toml")
    (tmp_path / "backproof.toml").write_text(write_manifest(Manifest("net.py:f", "2-1")))
    assert read_manifest(tmp_path / "backproof.toml") == Manifest("net.py:f", "2-1")

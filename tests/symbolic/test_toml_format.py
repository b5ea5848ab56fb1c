"""Networks and families as TOML: everything reads back; what is no network is refused, whatever it is."""

from __future__ import annotations

import contextlib
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symbolic.activations import ACTIVATIONS
from symbolic.errors import BackproofError, FormulaError, InvalidNetwork
from symbolic.losses import LOSSES
from symbolic.network import Chain, Family, mlp
from symbolic.toml_files import from_toml, to_toml

NAMES = [
    *(name for name in ACTIVATIONS if name != "softmax"),
    *(
        "g",
        "leaky_relu(1/3)",
        "elu(-0.5)",
        "z*tanh(z)",
        "where(z > 1/2, z**2, z < -1, z, 0)",
        "exp(-z**2)/pi",
    ),
]
PROBABILITIES = [(g, e) for g in ("sigmoid", "softmax") for e, row in LOSSES.items() if row.needs_probability]
OBJECTIVES = [
    *((g, e) for g in NAMES for e in ("half-squared", "E", "huber", "(a - t)**4", "abs(a - t)")),
    *PROBABILITIES,
]


@st.composite
def chains(draw: st.DrawFn) -> Chain:
    """Networks, families with free widths and families of any depth."""
    width = draw(st.sampled_from([st.integers(2, 9), st.none() | st.integers(2, 9)]))
    sizes = draw(st.just([]) | st.lists(width, min_size=2, max_size=5))
    layers = len(sizes) - 1 if sizes else draw(st.integers(2, 4))
    output, loss = draw(st.sampled_from(OBJECTIVES))
    l2, l1 = (draw(st.sampled_from([None, "lambda", "lambda/(2*m)", "1/10"])) for _ in range(2))
    names = st.sampled_from(NAMES)
    return mlp(
        *sizes,
        hidden=draw(names | st.lists(names, min_size=layers - 1, max_size=layers - 1)),
        output=output,
        loss=loss,
        scale=draw(st.sampled_from(["1", "1/m", "1/(m*k)"])),
        l2=l2,
        l1=l1,
        penalize_biases=bool(l2 or l1) and draw(st.booleans()),
        bias=draw(st.booleans() | st.lists(st.booleans(), min_size=layers, max_size=layers)),
    )


def same(first: Chain, second: Chain) -> bool:
    """Whether two chains have the same members: one value for all layers is that value for each of them."""
    if isinstance(first, Family) and isinstance(second, Family) and None not in (first.sizes, second.sizes):
        return first.sizes == second.sizes and first.symbolic() == second.symbolic()
    return first == second


@given(chains())
def test_chain_reads_back(chain: Chain) -> None:
    text = to_toml(chain)
    assert same(from_toml(text), chain)
    assert to_toml(from_toml(text)) == text


@given(chains(), chains())
def test_different_chains_have_different_toml(first: Chain, second: Chain) -> None:
    assert (to_toml(first) == to_toml(second)) is same(first, second)


def test_round_trip_rejects_a_changed_text() -> None:
    network = mlp(2, 3, 1, hidden="tanh")
    text = to_toml(network)
    for old, new in [
        ("true", "false"),
        ("tanh", "sin"),
        ("= 3", "= 4"),
        ("half-squared", "squared"),
        ("1/m", "1"),
    ]:
        assert old in text and not same(from_toml(text.replace(old, new, 1)), network)


@given(chains())
def test_text_is_toml_with_every_key_written_out(chain: Chain) -> None:
    data = tomllib.loads(to_toml(chain))
    assert {"loss", "scale"} <= data.keys()
    assert all(row.keys() == {"width", "activation", "bias"} for row in data.get("layers", []))
    assert all(row.keys() == {"norm", "factor", "biases"} for row in data.get("penalties", []))


NETWORK = """inputs = 2
loss = "half-squared"
scale = "1/m"

[[layers]]
width = 3
activation = "leaky_relu(1/5)"
bias = true

[[layers]]
width = 1
activation = "identity"
bias = false

[[penalties]]
norm = "l2"
factor = "lambda/(2*m)"
biases = true
"""
FAMILY = """depth = "?"
hidden = ["tanh"]
output = "softmax"
bias = [true]
loss = "cross-entropy"
scale = "1"
"""


def test_network_is_written_table_by_table() -> None:
    options = {"bias": [True, False], "l2": "lambda/(2*m)", "penalize_biases": True}
    assert to_toml(mlp(2, 3, 1, hidden="leaky_relu(0.2)", **options)) == NETWORK
    assert to_toml(mlp(hidden="tanh", output="softmax", loss="cross-entropy", scale="1")) == FAMILY


def test_what_is_left_out_has_its_default() -> None:
    layer = "[[layers]]\nwidth = 3\n"
    assert from_toml("inputs = 2\n" + layer) == mlp(2, 3)
    assert from_toml('inputs = "?"\n' + layer).sizes == (None, 3)
    assert from_toml('depth = "?"') == mlp()
    penalty = '[[penalties]]\nnorm = "l1"\nfactor = "lambda"\n'
    assert from_toml("inputs = 2\n" + layer + penalty) == mlp(2, 3, l1="lambda")


LAYERED = "inputs, layers, loss, scale, penalties"
OPEN = "depth, hidden, output, bias, loss, scale, penalties"
WIDTHS = 'widths are whole numbers from 1, or "?" for a free one'


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("inputs = 2", "inputs = true", "net.toml: inputs = True has the wrong type"),
        ("inputs = 2", "inputs = 2.0", "net.toml: inputs = 2.0 has the wrong type"),
        ("inputs = 2", "inputs = [2]", "net.toml: inputs = [2] has the wrong type"),
        ("inputs = 2", "inputs = inf", "net.toml: inputs = inf has the wrong type"),
        ("inputs = 2", "input = 2", f"net.toml: no key 'input'; choose from {LAYERED}"),
        ("inputs = 2", "", "net.toml: a network needs inputs and at least one [[layers]]"),
        ("inputs = 2", 'inputs = "2"', f"net.toml: width '2'; {WIDTHS}"),
        ('loss = "half-squared"', "loss = 7", "net.toml: loss = 7 has the wrong type"),
        ('scale = "1/m"', "scale = 1", "net.toml: scale = 1 has the wrong type"),
        ("width = 3", 'width = "x"', f"net.toml: width 'x'; {WIDTHS}"),
        ("width = 3", "width = false", "net.toml, layers: width = False has the wrong type"),
        ("width = 3", "wide = 3", "net.toml, layers: no key 'wide'; choose from width, activation, bias"),
        (
            "width = 3\n",
            "",
            "net.toml, layers: width missing in {'activation': 'leaky_relu(1/5)', 'bias': True}",
        ),
        ("bias = true", "bias = 1", "net.toml, layers: bias = 1 has the wrong type"),
        ("bias = true", 'bias = "yes"', "net.toml, layers: bias = 'yes' has the wrong type"),
        ('"identity"', "1", "net.toml, layers: activation = 1 has the wrong type"),
        ("biases = true", "biases = 0", "net.toml, penalties: biases = 0 has the wrong type"),
        (
            "biases = true",
            "bias = true",
            "net.toml, penalties: no key 'bias'; choose from norm, factor, biases",
        ),
        (
            'norm = "l2"\n',
            "",
            "net.toml, penalties: norm missing in {'factor': 'lambda/(2*m)', 'biases': True}",
        ),
        ("factor = ", "by = ", "net.toml, penalties: no key 'by'; choose from norm, factor, biases"),
    ],
)
def test_fault_is_refused_by_file_and_key(old: str, new: str, message: str) -> None:
    assert old in NETWORK
    with pytest.raises(InvalidNetwork) as refusal:
        from_toml(NETWORK.replace(old, new, 1), source="net.toml")
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    "fault", ["inputs = 2\ninputs = 2", "inputs = two", "inputs = 2\0", "inputs", "[inputs"]
)
def test_text_that_is_no_toml_is_refused_with_its_place(fault: str) -> None:
    with pytest.raises(InvalidNetwork, match=r"^net\.toml is no TOML: .*\(at .*\)$"):
        from_toml(NETWORK.replace("inputs = 2", fault), source="net.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "net.toml: a network needs inputs and at least one [[layers]]"),
        ("inputs = 2", "net.toml: a network needs inputs and at least one [[layers]]"),
        ("inputs = 2\nlayers = []", "net.toml: a network needs inputs and at least one [[layers]]"),
        ("inputs = 2\nlayers = 3", "net.toml: layers = 3 has the wrong type"),
        ("inputs = 2\n[layers]\nwidth = 3", "net.toml: layers = {'width': 3} has the wrong type"),
        ("inputs = 2\nlayers = [3]", "net.toml, layers: 3 is no table; write [[layers]] with its keys below"),
        ("depth = 3", "net.toml: depth = 3 has the wrong type"),
        ('depth = "3"', 'net.toml: depth is "?" or left out; layers say how many there are'),
        ('depth = "?"\ninputs = 2', f"net.toml: no key 'inputs'; choose from {OPEN}"),
        ('depth = "?"\nlayers = []', f"net.toml: no key 'layers'; choose from {OPEN}"),
        ('depth = "?"\nhidden = "tanh"', "net.toml: hidden = 'tanh' has the wrong type"),
        ('depth = "?"\nhidden = [1]', "net.toml, hidden: 1 is no text"),
        ('depth = "?"\nbias = true', "net.toml: bias = True has the wrong type"),
        ('depth = "?"\noutput = ["tanh"]', "net.toml: output = ['tanh'] has the wrong type"),
    ],
)
def test_toml_that_is_no_network_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidNetwork) as refusal:
        from_toml(text, source="net.toml")
    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"identity"', '"relU"'),
        ('"identity"', '"softmax"'),
        ('"half-squared"', '"mse"'),
        ('"half-squared"', '"cross-entropy"'),
        ('"1/m"', '"2/m"'),
        ('"l2"', '"l3"'),
        ("width = 3", "width = 0"),
        ("inputs = 2", "inputs = -1"),
    ],
)
def test_impossible_network_is_refused(old: str, new: str) -> None:
    assert old in NETWORK
    with pytest.raises(InvalidNetwork):
        from_toml(NETWORK.replace(old, new, 1))


HOSTILE = [
    "__import__('os').system('true')",
    "().__class__.__bases__[0]",
    "lambda: 0",
    "a; t",
    "z/0",
    "(" * 100 + "z" + ")" * 100,
    "z" + "*z" * 10_000,
    "9**9**9**9",
    "Sum(z, i)",
    "W[1]",
    "\\u0000",
    "",
]


@pytest.mark.parametrize("formula", HOSTILE, ids=[formula[:12] for formula in HOSTILE])
@pytest.mark.parametrize("old", ['"identity"', '"half-squared"', '"lambda/(2*m)"', '"1/m"', '"l2"'])
def test_hostile_formula_is_refused(old: str, formula: str) -> None:
    assert old in NETWORK
    with pytest.raises((FormulaError, InvalidNetwork)):
        from_toml(NETWORK.replace(old, f'"{formula}"', 1))


KEYS = st.sampled_from(
    ["inputs", "layers", "width", "activation", "loss", "scale", "penalties", "depth", "hidden", "norm", "x"]
)
VALUES = st.recursive(
    st.sampled_from(
        ["2", "0", "-1", '"?"', '"tanh"', '"l2"', "true", "1.5", "nan", "1979-05-27", '""', "[]"]
    ),
    lambda inner: st.builds("[{}]".format, inner) | st.builds("{{{} = {}}}".format, KEYS, inner),
    max_leaves=3,
)
LINES = st.one_of(
    st.builds("{} = {}".format, KEYS, VALUES),
    st.builds("[[{}]]".format, KEYS),
    st.builds("[{}]".format, KEYS),
)


@settings(max_examples=200)
@given(st.lists(LINES, max_size=5).map("\n".join))
def test_any_toml_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(BackproofError):
        chain = from_toml(text)
        assert same(from_toml(to_toml(chain)), chain)


@given(st.text(max_size=40))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(BackproofError):
        from_toml(text)


@pytest.mark.parametrize(
    "text", ["inputs = " + "9" * 5000, "a = " + "[" * 2000, "a = " + "[" * 2000 + "]" * 2000]
)
def test_hostile_toml_is_refused(text):
    with pytest.raises(InvalidNetwork, match=r"^net\.toml"):
        from_toml(text, source="net.toml")


@pytest.mark.parametrize(
    "text", ["hidden = []", "bias = []", 'bias = ["no"]', "bias = [1]", "bias = [nan]", "bias = [1979-05-27]"]
)
def test_family_with_a_fault_is_refused(text):
    with pytest.raises(InvalidNetwork, match=r"^net\.toml"):
        from_toml(f'depth = "?"\n{text}', source="net.toml")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('"identity"', '"relU"', "activation"),
        ('"identity"', '"z*"', "activation"),
        ('"half-squared"', '"mse"', "loss"),
        ('"1/m"', '"2/m"', "scale"),
        ('"l2"', '"l3"', "norm"),
        ('"lambda/(2*m)"', '"lambda*w"', "factor"),
        ("width = 3", "width = 0", "width"),
    ],
)
def test_every_refusal_names_file_and_key(old, new, key):
    with pytest.raises(Exception, match=rf"net\.toml.*{key}"):
        from_toml(NETWORK.replace(old, new, 1), source="net.toml")


def test_half_mse_is_an_alias_in_toml_too():
    assert from_toml('inputs = 2\nloss = "half-mse"\n[[layers]]\nwidth = 1') == mlp(2, 1, loss="half-mse")


@pytest.mark.parametrize("text", ["(t)", "(-a)", "(2)"])
def test_loss_of_one_symbol_reads_back(text):
    assert from_toml(to_toml(mlp(2, 1, loss=text))) == mlp(2, 1, loss=text)


def test_family_reads_back_equal():
    assert from_toml(to_toml(mlp(2, None, 1))) == mlp(2, None, 1)

"""Objects show themselves in Jupyter."""

import backproof as bp


def test_network_family_derivation_and_step_show_their_formulas():
    network = bp.mlp(2, 3, 1, hidden="tanh")
    derived = bp.derive(network)
    for shown in (network, bp.mlp(), derived, derived.backward[0]):
        latex = shown._repr_latex_()
        assert latex.startswith("$")
        assert latex.endswith("$")
        assert latex.count("{") == latex.count("}")
    assert r"\tanh" in network._repr_latex_()
    assert r"\delta^{[2]}" in derived._repr_latex_()

"""The theorem for every network, in Coq, and the printers that tie a derivation to that theorem."""

"""How derivations look: text for terminals, LaTeX, documents, Jupyter."""

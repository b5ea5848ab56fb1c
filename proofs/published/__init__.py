"""Published derivations, audited: every definition, claim and open step, decided by machine."""

"""The one grammar of formulas and equations, and the table of scalar functions."""

"""The kernel: theorems as values, and the deciders of their steps.

`theorem` asks `normal_form` (scalars) or `index_form` (arrays of any size). `normal_form` reads an expression
(`reading`) as a quotient of polynomials (`polynomials`) in generators: exponentials over a basis of their
exponents (`exponentials`), functions by cases by the cells of their arguments (`cases`, `affine`, `signs`),
logarithms and roots under the relations that were stated (`relations`). Beside it, sharing none of that, run
exact evaluation at random points (`exact`) and balls that separate two sides (`balls`); beside `index_form`,
all small sizes (`small_sizes`).
"""

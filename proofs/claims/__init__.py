"""Claims: formulas that somebody else has written down, judged.

text or LaTeX  ->  formula  ->  shapes  ->  worlds of small sizes  ->  judgement
"""

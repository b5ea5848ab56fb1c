"""How every LaTeX document begins; its title is what `%s` stands for."""

from __future__ import annotations

from typing import Final

HEAD: Final = r"""\documentclass[11pt,a4paper]{article}
\usepackage{amsmath}
\setlength{\textwidth}{16cm}
\setlength{\oddsidemargin}{-0.04cm}
\setlength{\textheight}{24cm}
\setlength{\topmargin}{-1cm}
\setlength{\emergencystretch}{3em}
\setlength{\jot}{6pt}
\allowdisplaybreaks[1]
\begin{document}
\setlength{\abovedisplayshortskip}{\abovedisplayskip}
\begin{center}
\LARGE Backpropagation: %s
\end{center}
"""

"""Wrong derivations: each a right one with a bug that has a name."""

from symbolic.mutation.generation import mutants as mutants
from symbolic.mutation.mutant import Mutant as Mutant
from symbolic.mutation.mutant import affected as affected
from symbolic.mutation.mutant import mutated as mutated
from symbolic.mutation.pairs import combined as combined

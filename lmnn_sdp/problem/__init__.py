"""The LMNN problem: data, targets and weights, the operators on its triplets, and its forms."""

"""How opinion is measured: the `Scorer` contract and its implementations."""

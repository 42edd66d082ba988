"""Parameters of models and of training: what each may be, the check of a value, and what a run records of them."""

"""Tables that are found by running a model."""

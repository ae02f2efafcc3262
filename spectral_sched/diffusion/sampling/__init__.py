"""From a plan, a model and seeds to pictures."""

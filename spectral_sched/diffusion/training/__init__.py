"""From pictures and a law of noise levels to a network."""

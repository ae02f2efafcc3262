"""From images and a law of noise levels to a network."""

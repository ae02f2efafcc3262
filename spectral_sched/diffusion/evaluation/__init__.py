"""Tables measured side by side on one model."""

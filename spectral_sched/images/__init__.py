"""One image: decoded, prepared as it was for training, and written."""

"""Parts that synthetic images are put together from."""

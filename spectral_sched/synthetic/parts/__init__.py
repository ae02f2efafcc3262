"""Parts that synthetic pictures are put together from."""

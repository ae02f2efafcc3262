"""File formats whose pixels Pillow alone does not give as they are."""

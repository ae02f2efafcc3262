"""One image: decoded, prepared as it was for training, and written."""

from .pixels import Pixels, load_pixels
from .preprocessing import Preprocessing, make_preprocessing

__all__ = ["Pixels", "Preprocessing", "load_pixels", "make_preprocessing"]

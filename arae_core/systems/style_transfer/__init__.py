"""Style transfer by whitening and colouring of features (Li et al. 2017; A, section 4.1)."""

from arae_core.systems.style_transfer.style_transfer import Content, Style, StyleTransfer
from arae_core.systems.style_transfer.whitening_colouring import Moments, colour, moments, whiten

__all__ = ["Content", "Moments", "Style", "StyleTransfer", "colour", "moments", "whiten"]

"""Manual contours drawn in cvi42 (Circle Cardiovascular Imaging), as UK Biobank returned them."""

from faircmr.sources.cvi42.document import Annotation, Boundary, Contour, read_workspace
from faircmr.sources.cvi42.labels import Drawn, draw_labels

__all__ = ["Annotation", "Boundary", "Contour", "Drawn", "draw_labels", "read_workspace"]

from .cine import ShortAxisCine as ShortAxisCine
from .cine import build_cine as build_cine
from .reading import read_files as read_files
from .reading import read_frame as read_frame
from .reading import read_short_axis as read_short_axis

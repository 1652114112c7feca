from .cvi42 import draw_labels as draw_labels
from .participants import find_tables as find_tables
from .participants import read_tables as read_tables
from .source import Ukbb as Ukbb
from .source import UkbbParameters as UkbbParameters
from .source import find_files as find_files
from .source import read_annotation as read_annotation

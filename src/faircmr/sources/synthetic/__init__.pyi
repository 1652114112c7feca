from .parameters import Count as Count
from .parameters import GroupSizes as GroupSizes
from .parameters import ShiftStrength as ShiftStrength
from .parameters import SyntheticParameters as SyntheticParameters
from .source import MANIFEST as MANIFEST
from .source import Synthetic as Synthetic
from .subject import subject_files as subject_files

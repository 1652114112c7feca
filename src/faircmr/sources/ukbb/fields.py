"""The fields of UK Biobank that a study needs, by the numbers that UK Biobank's Showcase gives them.

Source: UK Biobank Showcase, https://biobank.ndph.ox.ac.uk/showcase.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SEX = 31
CENTRE = 54
"""Assessment centre that was visited."""
ETHNIC_BACKGROUND = 21000
AGE = 21003
"""Years at the visit."""
BMI = 21001
"""kg/m2, from height and weight of the same visit."""
HEIGHT = (50, 12144)
"""Centimetres: standing height, and the height noted before imaging."""
WEIGHT = (21002, 12143)
"""Kilograms: the weight of :data:`BMI`, and the weight noted before imaging."""

TEXTS = (SEX, CENTRE, ETHNIC_BACKGROUND)
"""Codes, or their meanings."""
LIMITS: Mapping[int, tuple[float, float]] = MappingProxyType(
    {
        AGE: (18.0, 120.0),
        BMI: (10.0, 100.0),
        **dict.fromkeys(HEIGHT, (50.0, 250.0)),
        **dict.fromkeys(WEIGHT, (20.0, 350.0)),
    }
)
"""Smallest and largest value of an adult; what lies outside is a slip of the pen or of the unit."""
NEEDED = frozenset({*TEXTS, *LIMITS})
REQUIRED = (SEX, ETHNIC_BACKGROUND)

VISITS = (2, 3, 1, 0)
"""Instances in the order in which values are taken: the imaging visit and its repetition, then the visit
before them (the first repetition of the assessment), then the first assessment."""

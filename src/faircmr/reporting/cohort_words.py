"""What the page about a cohort says whatever the numbers are."""

from __future__ import annotations

TITLE = "The cohort, before any training"
CAUTION = (
    "Can a study of this cohort answer whether a model is fair, and what could be mistaken for an answer? Nothing was "
    "trained for this page. “Pass” means that a declared limit was not crossed, not that nothing is wrong. “Not "
    "checked” means that the study does not have what the check looks at."
)
NOTHING_LEFT_OUT = "Nothing was left out: every scan, subject and structure of the data set is part of the study."
NOTHING_UNREAD = "Every scan, subject and structure of the data set was read; nothing was left out so far."
NOT_DIVIDED = (
    "The subjects cannot be divided into training, validation and test, so nothing can be trained. {problem}. What to "
    "do: {remedy}. The table below counts everybody as unused."
)
NO_TEST = "Cannot be computed: there are no test subjects as long as the subjects are not divided."
COUNTS = "Subjects by {attribute} in each part of the study. Each panel has its own scale."
POWER = (
    "Smallest gap of each group from all others that would be found in {found:.3g} % of studies, if scores have an SD "
    "of {sd:g} points over subjects. Dashed: the limit of {limit:g} points. Diamonds lie above it."
)
MEASURES = (
    "Mean (mark), SD (line, cut at the range) and range (grey) over the subjects of each group. Diamonds: another "
    "mean than all others was shown (p, Holm, at most {alpha:g}). What is the same for everybody is left out."
)
READING = {
    "What differs by group": "A subject counts once, with the mean of its scans. Each group is tested against all "
    "others by permutation, and Holm's correction counts all measures and groups of a kind (people, grids, images). "
    "Hedges' g is the difference in SD; ∞ where neither side varies. A dash: not tested, for the group is too small or "
    "the measure does not vary. Older people, another spacing or noisier images in one group can make a model look "
    "unfair that is not, and hide one that is.",
    "Image quality": "Measured in the image alone; the range is what lies between its percentiles 1 and 99. Contrast: "
    "blood pool less myocardium of the left ventricle. Noise: SD of what changes from voxel to voxel in the plane. "
    "Sharpness: steepest slope; a border that takes 2 mm from dark to bright has 0.5. Saturated: share of voxels at "
    "the largest value. At border, base, apex: share of scans whose label touches the image's side, or lies in its "
    "outermost slice at either end. Labels swapped: share of scans in which another structure than LVBP is "
    "enclosed, or by another than LVM.",
    "What the headers of the scans say": "A label is put on the grid of its image by qform and sform: flips, swapped "
    "axes and shifts by whole voxels are undone, and anything else leaves the scan out. As stored: nothing had to be "
    "undone. Not in the headers: one of the two has no usable qform and sform (or reading.grids is 'array'), and shape "
    "and spacing alone were compared. Lengths in metres (m) or micrometres (um) are converted; a header that states no "
    "unit is taken to be in millimetres.",
    "One image under two ids": "Exact: all voxels are equal. Near: the pattern of bright and dark is the same up to "
    "scale, mirroring, turning by 90 degrees, small shifts and noise. Look at both before one is removed. ED and ES of "
    "one subject are no pair. Across splits means that what was learned is tested.",
    "Power": "By the noncentral t distribution, for scores near normal and one test; the SD of the scores is an "
    "assumption, and the gap is proportional to it. A group that is not tested can be worse by any amount.",
}
"""How to read each section."""

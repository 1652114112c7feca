"""Whether groups still differ between subjects who are otherwise alike: regression and matching."""

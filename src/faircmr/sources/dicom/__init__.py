"""Short-axis cines as scanners write them."""

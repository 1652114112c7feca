"""What training will cost before anything is trained: fits are listed, a few steps measured, and both multiplied."""

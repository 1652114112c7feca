"""What can be said of people who were not scored, from those who were: intervals, tests, power."""

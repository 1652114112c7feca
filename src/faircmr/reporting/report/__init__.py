"""The fairness report: one page about a study, from the tables that its evaluation has saved."""

"""How a run begins and ends: parameters are checked, expected errors become one line, tables are printed."""

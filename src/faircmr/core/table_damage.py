"""What the readers of tables raise of damaged files: one list, for tables of users and of the study."""

from __future__ import annotations

import csv

TABLE_DAMAGE = (OSError, ValueError, LookupError, TypeError, NotImplementedError, csv.Error)
"""Raised by pandas and pyarrow of damaged CSV and Parquet, as found by fuzzing.

``ArrowInvalid``, ``UnicodeDecodeError`` and pandas' ``ParserError`` are kinds of ``ValueError``, ``ArrowKeyError`` is a
``LookupError``, and ``ArrowTypeError`` a ``TypeError``.
"""

"""The way from every older form of the state database to the present one.

A new form gets a file in `versions`, its number at the end of `REVISIONS`, and the same change in `stores/schema.py`.
"""

REVISIONS = tuple(f"{number:04}" for number in range(1, 16))
HEAD = REVISIONS[-1]

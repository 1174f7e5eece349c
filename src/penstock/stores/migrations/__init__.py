"""The way from every older form of the state database to the present one.

A new form gets a file in `versions`, its number at the end of `REVISIONS`, and the same change in `stores/schema.py`.
"""

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011", "0012", "0013")
HEAD = REVISIONS[-1]

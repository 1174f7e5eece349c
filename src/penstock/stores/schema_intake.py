"""Tables of records that were pushed to us."""

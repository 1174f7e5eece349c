"""Tables of what is to be run, and by whom."""

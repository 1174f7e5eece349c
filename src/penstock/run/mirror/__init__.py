"""Mirrors: deletes in Custify what was delivered and is not in the dataset any more."""

"""Tables of people and what they did."""

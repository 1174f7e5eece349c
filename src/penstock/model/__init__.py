"""The ground floor: frozen data that every other floor speaks of. Imports nothing of ours."""

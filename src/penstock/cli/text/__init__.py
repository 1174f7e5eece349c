"""Reports as text for people. Each function makes what the console prints; none decides anything."""

"""The handlers of the native dialect, one file for each kind of object."""

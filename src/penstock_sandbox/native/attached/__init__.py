"""What is attached to other objects: comments, files, survey scores and tracked time."""

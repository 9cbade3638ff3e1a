"""The marts: courses, batches, who may see them, and the state that a build left them in."""

"""The shells around the dispatcher's core: the loop that starts work, and the two things that it does with vendors."""

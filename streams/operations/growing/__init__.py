"""Moves a deployment to more partitions: a copy under another topic prefix, which takes the place of the topics of before."""

"""The doctor: looks at everything that a deployment needs, and says of each thing that is wrong what mends it."""

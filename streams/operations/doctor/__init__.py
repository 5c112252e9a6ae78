"""The doctor: checks everything that a deployment needs, and names the fix for each problem."""

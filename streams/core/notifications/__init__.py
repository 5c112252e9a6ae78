"""What people are sent about a deployment: problems over time in, messages out. Pure."""

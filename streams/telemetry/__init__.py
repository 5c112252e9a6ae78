"""What every process shows about itself: logs, metrics, traces, health endpoints."""

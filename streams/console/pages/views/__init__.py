"""What each page shows, as frozen values: templates read nothing else."""

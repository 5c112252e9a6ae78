"""`make docker-check`: the Dockerfile, docker-compose.yml and deploy/live/README.md on a real Docker engine."""

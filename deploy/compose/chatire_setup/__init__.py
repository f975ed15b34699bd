"""What `docker compose up` does before the services start."""

"""What builds and runs the project; nothing here is deployed."""

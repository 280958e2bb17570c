"""Code of the Lambda functions; it imports nothing of the infrastructure."""

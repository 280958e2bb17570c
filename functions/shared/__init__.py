"""What the functions share: configuration, AWS clients, callers, the audit trail and problem details."""

"""What the functions share: configuration, AWS clients, callers and the audit trail."""

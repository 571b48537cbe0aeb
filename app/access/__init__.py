"""Who calls: API keys, roles, what each may see and change, and the audit trail."""

"""Enquiries: a public form, a conversation with a clock, and forgetting by age."""

"""Tests through HTTP, one file per resource, on both engines."""

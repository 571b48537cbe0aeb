"""Telling other systems what happened, by Standard Webhooks."""

"""Listings fetched from partners' feeds."""

"""Listings: what children and young people can take part in, when, where, and at what price."""

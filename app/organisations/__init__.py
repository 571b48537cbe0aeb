"""Organisations, from arts companies to schools and libraries, and their venues."""

"""What readers of other standards get: the same listings, in the forms that they know."""

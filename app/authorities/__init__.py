"""Local authorities, the partnerships that cover them, their boundaries, and postcodes."""

"""Local authorities, what covers them, their boundaries and school terms, and postcodes."""

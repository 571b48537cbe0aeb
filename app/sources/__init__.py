"""Partners' systems and the listings they push."""

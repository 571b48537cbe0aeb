"""A page of plain HTML and fetch over the API, and a small driver of a real browser for it."""

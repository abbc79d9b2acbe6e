"""The JSON API under /api/v1/: the same domain calls as the pages, for other software."""

"""Articles: their terms, bodies and previews."""

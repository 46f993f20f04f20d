"""Articles: what the site sells, on what terms, and what everybody may read of them."""

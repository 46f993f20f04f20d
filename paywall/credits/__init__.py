"""Credit grants and the ledger of every change to them."""

"""Report requests: the ledger that records them and the workers that process them."""

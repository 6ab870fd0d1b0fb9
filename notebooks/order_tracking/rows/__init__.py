"""Rows: typed and held to the contract, staged or quarantined, and merged into the orders."""

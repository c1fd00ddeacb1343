"""Top-up: orders at payment channels, cash, subsidies, reconciliation."""

"""Programs that make what the product ships, and are not shipped themselves."""

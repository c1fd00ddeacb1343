"""Lists of people as registries and spreadsheets write them, and bringing the accounts to what they say."""

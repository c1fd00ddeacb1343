"""The accounts' HTTP API: thin routes over the room's functions. `accounts.api.router.router` joins them."""

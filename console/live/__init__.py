"""What keeps an open page current: events sent by the server for as long as the reader may see them."""

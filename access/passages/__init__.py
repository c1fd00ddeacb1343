"""What is known of passages: the log of a gate, its storage, who is inside, and agreement with the site."""

"""The server: one process that joins the services' APIs, the pages, the journal of events and the directories."""

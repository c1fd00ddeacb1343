"""Web pages for holders, reviewers and facilities staff."""

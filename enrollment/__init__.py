"""Photo, quality report, review, template, consent."""

"""A gate's threshold, measured on the campus's own people and passages."""

"""SIP2, the language of library systems: this side answers who a patron is (3M Standard Interchange Protocol 2.00)."""

"""Sessions at shower controllers: authorised, running, settled, expired; what each of them costs."""

"""Who people are, as far as this service needs to know: a small copy of auth's accounts, kept up by its change feed."""

"""Who is calling: access tokens, service tokens, keys and revocations, the same code for all three services."""

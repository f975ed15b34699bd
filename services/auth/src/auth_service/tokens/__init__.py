"""What a person holds: sessions, refresh and access tokens, and the keys that sign them. Builds on `accounts`."""

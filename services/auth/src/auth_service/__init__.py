"""The auth service: who somebody is. It alone holds the keys that sign access tokens."""

"""Reading conversations and memberships."""

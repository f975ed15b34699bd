"""Sign-in, sessions and keys over HTTP: translate, one call, translate back."""

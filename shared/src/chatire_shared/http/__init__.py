"""How the HTTP services speak: problem details, strict bodies, request ids, pages, health."""

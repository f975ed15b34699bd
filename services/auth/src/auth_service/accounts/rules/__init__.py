"""Pure rules of names, passwords and profiles. They return a `FieldError` where a value is refused."""

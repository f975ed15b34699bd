"""The tables of peers/schema.sql."""

from django.db import models
from django.utils.timezone import now


class Message(models.Model):
    """A message. The tutorial's consumer has no numbers of its own: it writes a number that only has to be unique."""

    room = models.TextField()
    seq = models.BigIntegerField()
    body = models.TextField()
    created_at = models.DateTimeField(default=now)

    class Meta:
        """The runner makes the table."""

        managed = False
        db_table = "message"

    def __str__(self) -> str:
        return f"{self.room} {self.seq}"

"""The bare view of the row `post`: one transaction that counts up and inserts, and nothing around it."""

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.response import Response
from rest_framework.views import APIView

from bench_peers.models import Message


class Post(APIView):
    """Post a message: no authentication, no membership, no validation, no event, no outbox."""

    def post(self, request, room):
        """Take the next number and insert."""
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("UPDATE room SET last_seq = last_seq + 1 WHERE name = %s RETURNING last_seq", [room])
                (seq,) = cursor.fetchone()
            message = Message.objects.create(room=room, seq=seq, body=request.data["body"])
        return Response({"id": message.id, "seq": seq, "body": message.body}, status=201)


def ready(request: HttpRequest) -> HttpResponse:
    """Tell the runner that we are here."""
    return HttpResponse("ready")


urlpatterns = [path("ready/", ready), path("rooms/<str:room>/messages/", Post.as_view())]

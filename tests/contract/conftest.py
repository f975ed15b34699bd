from __future__ import annotations

from django.conf import settings

from chatire_shared.testing.servers import ensure_redis

# A Channels project like anybody's: the stock layer, told where our Redis is and what our prefix is.
settings.configure(
    INSTALLED_APPS=[],
    DATABASES={},
    CHANNEL_LAYERS={
        "default": {
            "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
            "CONFIG": {"hosts": [ensure_redis()], "prefix": "chatire"},
        }
    },
)

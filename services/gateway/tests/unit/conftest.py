"""What the units share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from gateway_post import Post


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    post = Post()
    await post.start()
    yield post
    await post.gateway.stop()

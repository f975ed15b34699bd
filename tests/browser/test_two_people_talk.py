from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from playwright.sync_api import Page, WebSocketRoute, expect

PASSWORD = "three green herons wading"


def test_two_people_talk(open_page: Callable[[str], Page]) -> None:
    """Two strangers register, find each other, talk, correct and take back, and come back after a reload."""
    mark = uuid4().hex[:8]
    ada, grace = open_page("ada"), open_page("grace")
    _register(ada, f"ada-{mark}")
    _register(grace, f"grace-{mark}")

    _start_direct(ada, f"grace-{mark}")
    _say(ada, "Good morning, **Grace**")
    expect(_item(grace).get_by_test_id("unread-count")).to_have_text("1")
    _item(grace).click()
    expect(_messages(grace).last).to_contain_text("Good morning, Grace")
    expect(_messages(grace).last.locator("strong")).to_have_text("Grace")
    expect(grace.get_by_test_id("unread-count")).to_have_count(0)

    grace.get_by_test_id("composer-input").press_sequentially("And to you")
    expect(ada.get_by_test_id("typing")).to_contain_text(f"grace-{mark}")
    grace.get_by_test_id("composer-input").press("Enter")
    expect(_messages(ada).last).to_contain_text("And to you")
    expect(_messages(grace).last).to_have_attribute("data-state", "sent")

    _edit_latest(grace, "And a very good day to you")
    expect(_messages(ada).last).to_contain_text("And a very good day to you")
    expect(_messages(ada).last.get_by_test_id("edited")).to_be_visible()

    _delete_latest(ada, "Good morning, Grace")
    expect(_messages(grace).first).to_have_attribute("data-deleted", "true")
    expect(_messages(grace).first).not_to_contain_text("Good morning")

    ada.reload()
    expect(_messages(ada).last).to_contain_text("And a very good day to you")
    _say(grace, "Still there?")
    expect(_messages(ada).last).to_contain_text("Still there?")

    ada.get_by_role("button", name="Sign out").click()
    expect(ada.get_by_test_id("sign-in-form")).to_be_visible()
    ada.reload()
    expect(ada.get_by_test_id("sign-in-form")).to_be_visible()


def test_markup_in_a_message_is_text_and_runs_nothing(open_page: Callable[[str], Page]) -> None:
    """What the server sanitised and the page sanitised again neither runs nor loads anything."""
    mark = uuid4().hex[:8]
    ada, grace = open_page("ada"), open_page("grace")
    _register(ada, f"ada-{mark}")
    _register(grace, f"grace-{mark}")
    asked: list[str] = []
    grace.on("request", lambda request: asked.append(request.url))
    grace.on("dialog", lambda dialog: (asked.append(f"dialog {dialog.message}"), dialog.dismiss()))
    _start_direct(ada, f"grace-{mark}")
    payloads = (
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(2)>",
        "[link](javascript:alert(3))",
        "![picture](https://tracker.example/pixel.png)",
        "<svg onload=alert(4)>",
        '<a href="data:text/html,<script>alert(5)</script>">five</a>',
    )
    for payload in payloads:
        _say(ada, payload)
    _say(ada, "the end")
    _item(grace).click()
    expect(_messages(grace).last).to_contain_text("the end")
    expect(_messages(grace)).to_have_count(len(payloads) + 1)
    assert grace.locator('[data-testid="message-body"] :is(script, img, svg, iframe)').count() == 0
    assert grace.locator('[data-testid="message-body"] a[href^="javascript"], a[href^="data"]').count() == 0
    assert [url for url in asked if "tracker" in url or url.startswith("dialog")] == []


def test_what_was_not_sent_yet_survives_a_reload(open_page: Callable[[str], Page]) -> None:
    """A line that swallows what is sent, a reload in the middle: everything is there afterwards, once, in order."""
    mark = uuid4().hex[:8]
    ada, grace = open_page("ada"), open_page("grace")
    swallowed = _swallow_sends(ada)
    _register(ada, f"ada-{mark}")
    _register(grace, f"grace-{mark}")
    _start_direct(ada, f"grace-{mark}")
    for text in ("first", "second", "third"):
        ada.get_by_test_id("composer-input").fill(text)
        ada.get_by_test_id("composer-input").press("Enter")
    expect(_messages(ada).last).to_have_attribute("data-state", "pending")
    assert len(swallowed) == 1, "one message is on its way at a time"

    ada.on("dialog", lambda dialog: dialog.accept())
    ada.reload()
    expect(_messages(ada)).to_have_count(3)
    expect(_messages(ada).last).to_have_attribute("data-state", "sent")
    _item(grace).click()
    expect(_messages(grace)).to_have_count(3)
    for number, text in enumerate(("first", "second", "third")):
        expect(_messages(grace).nth(number)).to_contain_text(text)
    ada.reload()
    expect(_messages(ada)).to_have_count(3)


def _swallow_sends(page: Page) -> list[str]:
    """Let nothing that this page's first socket sends as a message reach the server; gives what that was."""
    sockets: list[WebSocketRoute] = []
    swallowed: list[str] = []

    def between(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        server = socket.connect_to_server()

        def pass_on(frame: str | bytes) -> None:
            if socket is sockets[0] and '"type":"send"' in str(frame):
                swallowed.append(str(frame))
            else:
                server.send(frame)

        socket.on_message(pass_on)

    page.route_web_socket("**/ws", between)
    return swallowed


def _register(page: Page, name: str) -> None:
    if page.get_by_test_id("register-form").count() == 0:
        page.goto(page.url.split("/sign-in")[0].rstrip("/") + "/register")
    page.locator('input[name="username"]').fill(name)
    page.locator('input[name="email"]').fill(f"{name}@example.org")
    page.locator('input[name="password"]').fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_test_id("connection-state")).to_have_attribute("data-phase", "live")


def _start_direct(page: Page, username: str) -> None:
    page.get_by_role("button", name="New conversation").first.click()
    page.get_by_test_id("kind-direct").click()
    page.get_by_test_id("people-search").fill(username)
    page.locator(f'[data-testid="person-option"][data-username="{username}"]').click()
    expect(page.get_by_test_id("conversation")).to_be_visible()


def _say(page: Page, text: str) -> None:
    page.get_by_test_id("composer-input").fill(text)
    page.get_by_test_id("composer-input").press("Enter")
    expect(_messages(page).last).to_have_attribute("data-state", "sent")


def _edit_latest(page: Page, text: str) -> None:
    page.get_by_test_id("composer-input").press("ArrowUp")
    page.get_by_test_id("edit-input").fill(text)
    page.get_by_test_id("edit-input").press("Enter")


def _delete_latest(page: Page, text: str) -> None:
    message = _messages(page).filter(has_text=text)
    message.hover()
    message.get_by_role("button", name="Delete message").click()
    page.get_by_test_id("confirm").click()


def _item(page: Page):
    return page.get_by_test_id("conversation-item").first


def _messages(page: Page):
    return page.get_by_test_id("message")

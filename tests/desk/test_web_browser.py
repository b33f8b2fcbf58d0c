"""The page in a real browser; skipped where there is no Chromium."""

import pytest

from tests.channels.mail_house import MailServer, until
from tests.desk import chromium
from tests.desk.web_house import MAIL, PIN, WebHouse

pytestmark = pytest.mark.skipif(chromium.PROGRAM is None, reason="there is no Chromium on this machine")

ALERTS = "window.alert = () => { document.title = 'owned'; }"


async def test_an_email_from_log_in_to_answer(tmp_path):
    """Logged in, told of an offer, accepted, read, answered with a text, closed; nothing of the mail has run."""
    async with MailServer() as relay, WebHouse(tmp_path, relay.port) as house, chromium.browser(tmp_path / "c") as page:
        await page.open(house.url)
        await page.type("seat", "101")
        await page.type("pin", "0000")
        await page.press("Log in")
        assert "PIN is wrong" in await page.until("document.getElementById('wrong').textContent")
        await page.run("document.getElementById('pin').value = ''")
        await page.type("pin", PIN)
        await page.press("Log in")
        await page.until("document.getElementById('look')?.textContent === 'ready'")
        await until(lambda: house.web.offers.is_open("101"))
        await page.run(ALERTS)
        await house.bring(MAIL)
        assert await page.until("document.getElementById('said').textContent") != ""
        await page.press("Accept")
        assert "<img src=x" in await page.until(
            "location.pathname.length > 5 && document.querySelector('h1').textContent"
        )
        await page.type("text", "It comes tomorrow.")
        await page.press("Send")
        await until(lambda: relay.got)
        assert b"It comes tomorrow." in relay.got[0][2]
        await page.until(
            "location.pathname === '/' && document.querySelector('main').textContent.includes('Nothing waits')"
        )
        assert "owned" not in await page.run("document.title")
        assert house.calls == {}
        assert house.handset.rung == []

"""The page in a real browser."""

from tests.channels.browser import Browser
from tests.channels.mail_house import MailServer, until
from tests.desk.web_house import MAIL, PIN, WebHouse

ALERTS = "window.alert = () => { document.title = 'owned'; }"


async def test_an_email_from_log_in_to_answer(tmp_path, chromium):
    """Logged in, told of an offer, accepted, read, answered with a text, closed; nothing of the mail has run."""
    async with (
        MailServer() as relay,
        WebHouse(tmp_path, relay.port) as house,
        Browser(chromium, tmp_path) as page,
    ):
        await page.open(house.url)
        await page.fill("seat", "101")
        await page.fill("pin", "0000")
        await page.click("Log in")
        assert "PIN is wrong" in await page.reads("document.getElementById('wrong').textContent")
        await page.fill("pin", PIN)
        await page.click("Log in")
        await page.sees("document.getElementById('look')?.textContent === 'ready'")
        await until(lambda: house.web.offers.is_open("101"))
        await page.run(ALERTS)
        await house.bring(MAIL)
        await page.reads("document.getElementById('said').textContent")
        await page.click("Accept")
        assert "<img src=x" in await page.reads(
            "location.pathname.length > 5 && document.querySelector('h1').textContent"
        )
        await page.fill("text", "It comes tomorrow.")
        await page.click("Send")
        await until(lambda: relay.got)
        assert b"It comes tomorrow." in relay.got[0][2]
        await page.sees(
            "location.pathname === '/' && document.querySelector('main').textContent.includes('Nothing waits')"
        )
        assert "owned" not in await page.run("document.title")
        assert house.calls == {}
        assert house.handset.rung == []

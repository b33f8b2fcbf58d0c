"""The script in a real browser, on a page of another origin whose policy is as strict as can be."""

import asyncio
import contextlib

import uvicorn
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from acd.channels.chat.widget_words import WORDS
from acd.channels.contact import Reply
from tests.channels.browser import Browser
from tests.channels.chat_house import ChatHouse
from tests.channels.mail_house import until
from tests.ports import free_port

IN = "document.querySelector('callfloor-chat').shadowRoot"
OPENER = f"{IN}.querySelector('button[aria-controls]')"
PNG = bytes.fromhex("89504e470d0a1a0a") + b"\0" * 64
XSS = "<img src=x onerror=alert(1)><svg><style><script>alert(2)</script>"


class Pages(uvicorn.Server):
    """A web server whose signals are the test's."""

    @contextlib.contextmanager
    def capture_signals(self):
        yield


@contextlib.asynccontextmanager
async def shop(house, port, language="en"):
    """A page of the site's own, elsewhere, that has the script."""
    own = f"127.0.0.1:{house.port}"
    policy = (
        f"default-src 'none'; script-src http://{own}; connect-src http://{own} ws://{own}; "
        "require-trusted-types-for 'script'; base-uri 'none'; form-action 'none'"
    )
    page = (
        f'<!doctype html><html lang="{language}"><title>Shop</title><h1>Shop</h1>'
        f'<script src="http://{own}/chat/shop/widget.js" async></script></html>'
    )

    async def show(_request):
        return HTMLResponse(page, headers={"Content-Security-Policy": policy})

    pages = Pages(uvicorn.Config(Starlette(routes=[Route("/", show)]), port=port, log_config=None, lifespan="off"))
    serving = asyncio.create_task(pages.serve())
    await until(lambda: pages.started)
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        pages.should_exit = True
        await serving


@contextlib.asynccontextmanager
async def visited(tmp_path, chromium):
    """An agent at the desk, a browser on the site's page with the script in it, and where that page is."""
    port = free_port()
    async with (
        ChatHouse(tmp_path, page=port) as house,
        shop(house, port) as url,
        Browser(chromium, tmp_path) as page,
    ):
        await house.sit_down()
        await page.open(url)
        await page.sees(f"{OPENER}.getAttribute('aria-expanded') === 'false'")
        yield house, page, url


def shown(text, more=""):
    return f"[...{IN}.querySelectorAll('li{more}')].some((one) => one.textContent.includes({text!r}))"


SLOW_WAY = """
    const Real = WebSocket;
    window.WebSocket = class extends Real {
        set onopen(then) { super.onopen = (event) => setTimeout(() => then(event), 1500); }
    }; true
"""
"""The server's first word comes late, as over a poor mobile line."""


async def test_who_he_is_need_not_wait_for_the_connection(tmp_path, chromium):
    """Who is quicker than his line sees that there is none yet; what he said of himself is told when there is one."""
    async with visited(tmp_path, chromium) as (house, page, _):
        assert await page.run(SLOW_WAY)
        await page.run(f"{OPENER}.click()")
        await page.sees(f"{IN}.activeElement.id === 'name'")
        await page.type("Jan Kowalski")
        await page.press("Enter", "\r")
        assert await page.run(f"{IN}.querySelector('[role=status]').textContent") == WORDS["en"]["offline"]
        await page.sees(f"{IN}.activeElement.id === 'text'")
        assert await page.run(f"{IN}.querySelector('[role=status]').textContent") == ""
        await page.type("Where is my parcel?")
        await page.press("Enter", "\r")
        await page.sees(shown("Where is my parcel?", ".mine:not(.pending)"))
        assert (await house.chat.card(await house.pick_up())).sender == "Jan Kowalski"
        assert page.faults == []


async def test_a_visitor_chats_by_keyboard(tmp_path, chromium):
    """He opens it, says who he is, writes, is answered, loads the page anew, gets a file; nothing he reads is run."""
    async with visited(tmp_path, chromium) as (house, page, url):
        assert await page.run(f"{IN}.querySelector('.panel').hidden")
        await page.run(f"{OPENER}.focus()")
        await page.press("Enter", "\r")
        await page.sees(f"{IN}.activeElement.id === 'name'")
        await page.type("Jan Kowalski")
        await page.sees(f"{IN}.querySelector('[role=status]').textContent === ''")
        await page.press("Enter", "\r")
        await page.sees(f"{IN}.activeElement.id === 'text'")
        await page.type("Where is my parcel?")
        await page.press("Enter", "\r")
        await page.sees(shown("Where is my parcel?", ".mine:not(.pending)"))
        call = await house.pick_up()
        await page.sees(f"{IN}.querySelector('[role=status]').textContent.includes('Anna Nowak')")
        card = await house.chat.card(call)
        assert (card.sender, card.text) == ("Jan Kowalski", "Where is my parcel?")
        house.chat.typing(call)
        await page.sees(
            f"[...{IN}.querySelectorAll('[role=status]')].some((one) => one.textContent.includes('typing'))"
        )
        await house.chat.reply(call, "101", Reply(text=XSS))
        await page.sees(shown(XSS))
        assert await page.run(f"{IN}.querySelectorAll('img, svg, script, style').length") == 0
        await page.press("Escape")
        await page.sees(f"{IN}.querySelector('.panel').hidden")
        assert await page.run(f"{IN}.activeElement.getAttribute('aria-controls')") == "panel"
        await house.chat.reply(call, "101", Reply(text="Are you there?"))
        await page.sees(f"{IN}.querySelector('.badge').textContent === '1'")
        await page.open(url)
        await page.sees(f"{IN}.querySelector('.badge').textContent === '1'")
        await page.run(f"{OPENER}.click()")
        await page.sees(shown("Are you there?"))
        assert await page.run(f"{IN}.querySelectorAll('li').length") == 3
        await page.sees(f"{IN}.querySelector('.badge').hidden")
        await bring_and_get_files(page, house, call, tmp_path)
        await page.run(f"[...{IN}.querySelectorAll('.row button')].at(-1).click()")
        await page.sees(f"{IN}.querySelectorAll('li').length === 0 && localStorage.length === 0")
        await until(lambda: house.chatting.rooms.of(call) is None)
        assert page.faults == []


async def bring_and_get_files(page, house, call, folder):
    """A picture goes up and is the agent's to see; what is no picture does not; an answer's file comes down."""
    (folder / "proof.png").write_bytes(PNG)
    (folder / "page.html").write_bytes(b"<html><script>alert(1)</script>")
    (folder / "offer.txt").write_bytes(b"ten euro")
    field = await page.do("Runtime.evaluate", expression=f"{IN}.querySelector('#file')")
    for name in ("proof.png", "page.html"):
        await page.do("DOM.setFileInputFiles", files=[str(folder / name)], objectId=field["result"]["objectId"])
        await page.sees(shown("proof.png", ".mine") if name == "proof.png" else shown("of this kind", ".fault"))
    page.faults.clear()  # the browser says of itself that the second one was refused
    card = await house.chat.card(call)
    assert [(one.name, one.kind, one.path.read_bytes()) for one in card.files] == [("proof.png", "image/png", PNG)]
    await house.chat.reply(call, "101", Reply(files=(folder / "offer.txt",)))
    await page.sees(shown("offer.txt"))
    await page.do("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder / "saved"))
    await page.run(f"[...{IN}.querySelectorAll('li button')].at(-1).click()")
    await until((folder / "saved" / "offer.txt").exists)
    assert (folder / "saved" / "offer.txt").read_bytes() == b"ten euro"


async def test_it_speaks_the_pages_language_and_can_be_read_aloud(tmp_path, chromium):
    """Every control has a name in the page's language, the talk is a live log, as a screen reader finds them."""
    port = free_port()
    async with (
        ChatHouse(tmp_path, page=port) as house,
        shop(house, port, "pl") as url,
        Browser(chromium, tmp_path) as page,
    ):
        await page.open(url)
        await page.sees(OPENER)
        await page.run(f"{OPENER}.click()")
        await page.run(f"{IN}.querySelector('form button.main').click()")
        await page.sees(f"{IN}.activeElement.id === 'text'")
        tree = (await page.do("Accessibility.getFullAXTree"))["nodes"]
        named = {
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in tree
            if not node.get("ignored") and node["role"]["value"] in {"button", "textbox", "log", "dialog", "status"}
        }
        assert {("textbox", "Twoja wiadomość"), ("log", "Rozmowa"), ("dialog", "Acme"), ("button", "Wyślij")} <= named
        assert all(name for role, name in named if role in {"button", "textbox", "log", "dialog"})
        assert page.faults == []

"""Who gets in: tokens, sessions, wrong PINs, other origins; and what is refused before anything looks at it."""

import asyncio
import json
import subprocess
import sys

import httpx
import pytest
from msgspec.structs import replace
from websockets.exceptions import InvalidStatus

from acd.desk.web import access, sessions
from acd.desk.web.kept import Kept
from acd.desk.web.sessions import Sessions
from acd.desk.web.tokens import TokenError, TokenFile, hashed
from tests.desk.test_web_contacts import problem
from tests.desk.web_house import PIN, WebHouse


@pytest.fixture
async def house(tmp_path):
    async with WebHouse(tmp_path) as house:
        yield house


async def test_a_token_is_kept_hashed_and_worthless_when_removed(house, capsys):
    """The file has no token in it, nobody else may read it, no log says it; removed it opens nothing any more."""
    program = house.token("read", name="wallboard")
    assert (await program.ask("GET", "/queues")).status_code == 200
    file = house.home / "tokens.json"
    assert program.secret not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0
    assert len(program.secret) > 43
    house.tokens.remove("wallboard")
    assert problem(await program.ask("GET", "/queues"), 401) == "the token is not known"
    said = capsys.readouterr()
    assert program.secret not in said.out + said.err


def test_a_token_that_cannot_be_made(tmp_path):
    """A name twice, a seat where none belongs, no scope: each is refused in words, and nothing is written."""
    tokens = TokenFile(tmp_path)
    tokens.add("one", ("read",), "", 0)
    for name, scopes, seat in (
        ("one", ("read",), ""),
        ("Two", ("read",), ""),
        ("two", (), ""),
        ("two", ("agent",), ""),
        ("two", ("read",), "101"),
    ):
        with pytest.raises(TokenError):
            tokens.add(name, scopes, seat, 0)
    assert [token.name for token in TokenFile(tmp_path).all()] == ["one"]


async def test_a_session_of_a_pin(house):
    """Its cookie is out of reach of scripts and other sites; signed out it is worthless, and the shift goes on."""
    async with httpx.AsyncClient(base_url=house.url, headers={"Origin": house.url}) as client:
        answer = await client.post("/api/v1/session", json={"seat": "101", "pin": PIN})
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert answer.json() == {"name": "Anna Nowak", "seat": "101", "scopes": ["agent", "customers"]}
        kept = dict(client.cookies)
        assert (await client.get("/api/v1/seat")).json()["seat"]["look"] == "ready"
        assert (await client.delete("/api/v1/session")).status_code == 200
        client.cookies.update(kept)
        problem(await client.get("/api/v1/seat"), 401)
    assert house.desk.look("101") == "ready"


async def test_a_session_outlives_its_server_and_ends_with_it_no_more(tmp_path):
    """An agent need not sign in again after a restart; who signed out is out; nobody else may read what is kept."""
    async with WebHouse(tmp_path) as house, house.browser() as stays, house.browser("102", "9753") as leaves:
        gone = dict(leaves.cookies)
        assert (await leaves.delete("/api/v1/session")).status_code == 200
    async with WebHouse(tmp_path) as house:
        async with house.browser(cookies=stays.cookies) as client:
            assert (await client.get("/api/v1/session")).json()["seat"] == "101"
        async with house.browser(cookies=gone) as client:
            problem(await client.get("/api/v1/session"), 401)
        file = house.home / "desk/sessions.json"
        assert file.stat().st_mode & 0o077 == 0
        for secret in (*stays.cookies.values(), *gone.values(), hashed(PIN)):
            assert secret not in file.read_text()


def test_a_session_is_over_after_its_time_and_gives_way_to_later_ones(tmp_path, monkeypatch):
    """Ten thousand at most are kept; those that are over go first."""
    monkeypatch.setattr(sessions, "MOST", 3)
    now = [0]
    kept = Sessions(tmp_path, lambda: now[0])
    keys = [hashed(kept.begin(seat, "8642", 1_000 * nth)) for nth, seat in enumerate(("101", "102", "103"), 1)]
    now[0] = 1_000
    assert [key for key in keys if kept.get(key)] == keys[1:]
    keys += [hashed(kept.begin(seat, "8642", 9_000)) for seat in ("104", "105")]
    assert [key for key in keys if kept.get(key)] == keys[2:]
    later = Sessions(tmp_path, lambda: now[0])
    later.look()
    assert [later.get(key).seat for key in keys if later.get(key)] == ["103", "104", "105"]
    assert (later.get(keys[3]).is_of("8642"), later.get(keys[3]).is_of("8643")) == (True, False)


async def test_sessions_that_cannot_be_kept_or_read(tmp_path, monkeypatch):
    """A full disk keeps nobody out, nor in; what is broken has agents sign in again."""

    def full(_kept, _things):
        raise OSError(28, "No space left on device")

    async with WebHouse(tmp_path) as house:
        async with house.browser() as kept:
            monkeypatch.setattr(Kept, "write", full)
            async with house.browser("102", "9753") as client:
                assert (await client.get("/api/v1/session")).json()["seat"] == "102"
            cookies = dict(kept.cookies)
            assert (await kept.delete("/api/v1/session")).status_code == 200
            kept.cookies.update(cookies)
            problem(await kept.get("/api/v1/session"), 401)
        monkeypatch.undo()
    (tmp_path / "home/desk/sessions.json").write_text('[{"key": 1}]')
    async with WebHouse(tmp_path) as house, house.browser() as client:
        assert (await client.get("/api/v1/session")).status_code == 200
        assert len(json.loads((house.home / "desk/sessions.json").read_text())) == 1


async def test_another_pin_ends_what_the_old_one_began(house):
    """Who has lost his seat to another PIN has no session any more."""
    async with house.browser() as client:
        before, changed = house.site, {"101": replace(house.site.seats["101"], pin="1111")}
        house.site = replace(house.site, seats={**house.site.seats, **changed})
        problem(await client.get("/api/v1/seat"), 401)
        house.site = before
        problem(await client.get("/api/v1/seat"), 401)


async def test_wrong_pins_lock_the_seat_as_at_its_telephone(house):
    """After three the right one is not looked at; an unknown seat sounds like a wrong PIN."""
    async with httpx.AsyncClient(base_url=house.url, headers={"Origin": house.url}) as client:
        unknown = await client.post("/api/v1/session", json={"seat": "999", "pin": PIN})
        assert problem(unknown, 403) == "the seat or its PIN is wrong"
        for status in (403, 403, 429):
            problem(await client.post("/api/v1/session", json={"seat": "101", "pin": "0000"}), status)
        problem(await client.post("/api/v1/session", json={"seat": "101", "pin": PIN}), 429)
    assert house.desk.look("101") == "logged-out"


async def test_too_many_wrong_ones_from_one_address(house, monkeypatch):
    """Beyond the limit nothing is looked at for a while, and it is said for how long."""
    monkeypatch.setattr(access, "FAILURES_MOST", 3)
    program = house.token("read")
    async with httpx.AsyncClient(base_url=house.url) as client:
        wrong = {"Authorization": "Bearer callfloor_wrong"}
        for _ in range(3):
            problem(await client.get("/api/v1/seats", headers=wrong), 401)
        answer = await client.get("/api/v1/seats", headers=wrong)
        problem(answer, 429)
        assert 0 < int(answer.headers["retry-after"]) <= 61
        pin = await client.post("/api/v1/session", json={"seat": "101", "pin": PIN}, headers={"Origin": house.url})
        problem(pin, 429)
    assert (await program.ask("GET", "/seats")).status_code == 200, "a right token is none of it"


async def test_other_origins(house):
    """What comes with a cookie from another page, or none, changes nothing and hears nothing; no answer is shared."""
    async with house.browser() as client:
        for origin in ("https://evil.example", "null", ""):
            answer = await client.post("/api/v1/seat/ready", headers={"Origin": origin})
            problem(answer, 403)
            assert not any(name.startswith("access-control") for name in answer.headers)
            cookie = {"Cookie": f"{access.COOKIE}={client.cookies[access.COOKIE]}"}
            with pytest.raises(InvalidStatus):
                async with house.listens(cookie, origin=origin or None):
                    pass
        answer = await client.post("/api/v1/session", json={"seat": "101", "pin": PIN}, headers={"Origin": "http://x"})
        problem(answer, 403)


async def test_the_address_that_browsers_know(house):
    """Behind a server that speaks TLS it is `url` that pages come from, and the cookie goes over TLS only."""
    house.site = replace(house.site, web=replace(house.site.web, url="https://desk.example"))
    async with httpx.AsyncClient(base_url=house.url, headers={"Origin": "https://desk.example"}) as client:
        answer = await client.post("/api/v1/session", json={"seat": "101", "pin": PIN})
        assert "Secure" in answer.headers["set-cookie"]
        plain = {"Origin": house.url}
        problem(await client.post("/api/v1/session", json={"seat": "101", "pin": PIN}, headers=plain), 403)


async def test_bodies_that_are_refused(house):
    """Too large, announced or not; of another kind; no JSON; deep JSON: each is a problem, and the next is heard."""
    program = house.token("agent", seat="101")

    async def endless():
        for _ in range(20):
            yield b" " * 100_000

    json_type = {"Content-Type": "application/json"}
    problem(await program.ask("POST", "/seat/pause", content=b"x" * 600_000, headers=json_type), 413)
    problem(await program.ask("POST", "/seat/pause", content=endless(), headers=json_type), 413)
    problem(await program.ask("POST", "/seat/pause", data={"reason": "break"}), 415)
    problem(await program.ask("POST", "/seat/pause", content=b'{"reason": "break"}'), 415)
    problem(await program.ask("POST", "/uploads?name=x", content=b"x"), 415)
    problem(await program.ask("POST", "/seat/pause", content=b"{", headers=json_type), 422)
    problem(await program.ask("POST", "/seat/pause", content=b"[" * 200_000, headers=json_type), 400)
    problem(await program.ask("POST", "/seat/pause", json={"reason": "break", "seat": "102"}), 422)
    assert (await program.ask("GET", "/seat")).status_code == 200


@pytest.mark.parametrize("path", ["/../home/secrets.conf", "/static/..%2f..%2f..%2fsecrets.conf", "/static/../app.py"])
async def test_paths_that_lead_elsewhere(house, path):
    """Nothing but the page's own two files is to be had by a path."""
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    said = await reader.read()
    writer.close()
    assert b" 404 " in said.split(b"\r\n")[0]
    assert b"secret" not in said


def test_a_site_without_it_loads_nothing_of_it():
    """The server and its command start without FastAPI, uvicorn, Jinja2 and pydantic."""
    code = (
        "import sys, ivr.cli; print(sorted({'fastapi', 'uvicorn', 'jinja2', 'pydantic', 'starlette'} & {*sys.modules}))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert said.stdout.strip() == "[]"

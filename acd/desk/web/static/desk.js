"use strict";
// Forms go out as JSON to data-to; then the page is loaded anew, or data-then. Events of the seat load it anew too, but
// never while somebody writes: then they are said, and the page stays.
const said = document.getElementById("said"), wrong = document.getElementById("wrong");
let isSending = false;

async function call(method, to, body, type) {
  const answer = await fetch(to, { method, body, headers: body === undefined ? {} : { "Content-Type": type } });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error([told.title || answer.statusText, told.detail, told.mend].filter(Boolean).join(". "));
  return told;
}

async function collect(form) {
  const body = {};
  for (const field of form.elements) {
    if (!field.name) continue;
    if (field.type === "file") {
      body[field.name] = [];
      for (const file of field.files)
        body[field.name].push((await call("POST", "/api/v1/uploads?name=" + encodeURIComponent(file.name), file, "application/octet-stream")).id);
    } else body[field.name] = field.type === "checkbox" ? field.checked : field.dataset.number ? Number(field.value) : field.value;
  }
  return body;
}

for (const form of document.querySelectorAll("form[data-to]"))
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const buttons = form.querySelectorAll("button");
    buttons.forEach((one) => { one.disabled = true; });
    wrong.textContent = "";
    isSending = true;
    try {
      const body = await collect(form);
      const some = Object.keys(body).length ? JSON.stringify(body) : undefined;
      await call(form.dataset.method, form.dataset.to, some, "application/json");
      location.assign(form.dataset.then || location.href);
    } catch (error) {
      isSending = false;
      wrong.textContent = error.message;
      buttons.forEach((one) => { one.disabled = false; });
    }
  });

for (const one of document.querySelectorAll("time[data-ms]"))
  one.textContent = new Date(Number(one.dataset.ms)).toLocaleString();

const isWriting = () => [...document.querySelectorAll("textarea, input:not([type=checkbox])")].some((one) => one.value)
  || document.activeElement?.matches("textarea, input, select");

// Loaded anew, the page has the focus where it was.
const handle = (one) => one && ((one.closest("form") || {}).dataset?.to || one.getAttribute("href"));
function reload() {
  sessionStorage.setItem("focus", handle(document.activeElement) || "");
  location.reload();
}
const focused = sessionStorage.getItem("focus");
sessionStorage.removeItem("focus");
if (focused)
  [...document.querySelectorAll("form[data-to], a[href]")].filter((one) => handle(one) === focused).slice(0, 1)
    .forEach((one) => (one.querySelector("button") || one).focus());
if (document.querySelector('form[data-to$="/accept"]')) said.textContent = "A contact is offered to you";

let place = document.body.dataset.live, timer, due = Infinity;
function anew(inMs) {
  if (Date.now() + inMs >= due) return;
  clearTimeout(timer);
  due = Date.now() + inMs;
  timer = setTimeout(() => { due = Infinity; if (!isWriting() && !isSending) reload(); }, inMs);
}

// A customer who is there, as in a chat: what he writes is shown at once, whatever is half written here.
const talk = document.body.dataset.talk ? "/api/v1/contacts/" + encodeURIComponent(document.body.dataset.contact) : "";
const NEWS = { typing: "The customer is typing", gone: "The customer is gone", back: "The customer is back" };
async function renew(what) {
  said.textContent = NEWS[what] || "";
  if (what === "typing" || what === "typing-over") return;
  const card = await call("GET", talk + "/card").catch(() => null);
  if (!card) return;
  document.getElementById("new").textContent = card.text;
  document.getElementById("before").textContent = card.quoted;
  if (what === "line") said.textContent = "The customer has written";
}
let typedAt = 0;
if (talk)
  document.getElementById("text")?.addEventListener("input", () => {
    if (Date.now() - typedAt < 3000) return;
    typedAt = Date.now();
    call("POST", talk + "/typing").catch(() => {});
  });

function listen(waitMs) {
  const socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/api/v1/events?desk=1&after=" + encodeURIComponent(place));
  socket.onmessage = (message) => {
    const told = JSON.parse(message.data);
    waitMs = 1000;
    if (told.type === "hello") {
      if (!told.resumed) {
        place = told.run + ":" + told.seq;
        anew(0);
      }
      return;
    }
    place = place.split(":")[0] + ":" + told.seq;
    if (told.type === "contact-news") {
      if (talk && told.call === document.body.dataset.contact) renew(told.what);
      return;
    }
    if (told.type.startsWith("message-")) return;  // each line of each chat is one
    if (told.type === "offer") said.textContent = "A contact is offered: " + told.medium + ", " + Math.round(told.ring_ms / 1000) + " seconds to accept it";
    anew(told.type === "queue" ? 5000 : 300);
  };
  socket.onclose = () => setTimeout(async () => {
    const session = await fetch("/api/v1/session").catch(() => ({}));
    if (session.status === 401) location.assign("/");
    else listen(Math.min(2 * waitMs, 30000));
  }, waitMs);
}
if (place) listen(1000);

// The chat of a page. One script tag; everything is in a shadow tree, so neither its looks nor its names meet the page's.
// Whatever somebody wrote is shown by textContent. Nothing here needs more of a page's policy than this script's origin
// under script-src and connect-src: no inline style, no eval, no picture.
(() => {
  "use strict";
  const SETTINGS = /*CALLFLOOR*/ {};
  const TAG = "callfloor-chat";
  const me = document.currentScript;
  if (!me || document.querySelector(TAG)) return;

  const place = new URL(me.src);
  const base = `${place.origin}${place.pathname.replace(/\/widget\.js$/, "")}`;
  const PING_MS = 25000, SILENT_MS = 70000, TYPING_MS = 3000, LATER_MS = 2500, RECENT_MS = 12 * 3600 * 1000;
  const AGAIN_MS = 1000, AGAIN_MOST_MS = 30000, OUTBOX_MOST = 50;
  const USELESS = new Set(["version", "protocol"]);

  // Words

  const language = [me.dataset.language, document.documentElement.lang, ...navigator.languages, Object.keys(SETTINGS.words)[0]]
    .map((one) => (one || "").slice(0, 2).toLowerCase())
    .find((one) => one in SETTINGS.words) || Object.keys(SETTINGS.words)[0];
  const words = SETTINGS.words[language];
  const said = (name, values = {}) => words[name].replace(/\{(\w+)\}/g, (_, key) => String(values[key]));

  // What outlives a page: the token, what was not confirmed yet, what was seen

  const memory = new Map();
  const STORE = `callfloor-chat:${base}`;
  const keep = {
    get(name) {
      try { return localStorage.getItem(`${STORE}:${name}`) || ""; } catch { return memory.get(name) || ""; }
    },
    set(name, value) {
      memory.set(name, value);
      try { localStorage.setItem(`${STORE}:${name}`, value); } catch { /* private mode: this page alone remembers */ }
    },
    forget() {
      memory.clear();
      try {
        for (const name of ["token", "outbox", "seen", "at", "known"]) localStorage.removeItem(`${STORE}:${name}`);
      } catch { /* as above */ }
    },
  };
  const number = (name) => Number(keep.get(name)) || 0;
  const readOutbox = () => {
    try {
      const found = JSON.parse(keep.get("outbox") || "[]");
      return Array.isArray(found) ? found.filter((one) => one && typeof one.id === "string" && typeof one.text === "string") : [];
    } catch { return []; }
  };
  const outbox = {
    add(line) { keep.set("outbox", JSON.stringify([...readOutbox(), line].slice(-OUTBOX_MOST))); },
    remove(id) { keep.set("outbox", JSON.stringify(readOutbox().filter((one) => one.id !== id))); },
  };
  const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(15)), (one) => one.toString(16).padStart(2, "0")).join("");

  // The tree

  const make = (name, properties = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(properties)) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else if (key in made && key !== "list") made[key] = value;
      else made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  };
  const host = document.createElement(TAG);
  const root = host.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host { all: initial; position: fixed; inset: auto 1rem 1rem auto; z-index: 2147483000; font: 16px/1.4 system-ui, sans-serif; color: #1a1a1a; }
    * { box-sizing: border-box; font: inherit; color: inherit; }
    button { cursor: pointer; border: 1px solid #555; border-radius: .4rem; background: #fff; padding: .4rem .7rem; }
    button.main { background: #0b4f8a; border-color: #0b4f8a; color: #fff; }
    button:disabled { opacity: .6; cursor: default; }
    :focus-visible { outline: 3px solid #f2a900; outline-offset: 2px; }
    .badge { background: #b00020; color: #fff; border-radius: 1rem; padding: 0 .45rem; margin-left: .4rem; }
    .panel { display: flex; flex-direction: column; width: min(24rem, calc(100vw - 2rem)); height: min(34rem, calc(100vh - 6rem));
      background: #fff; border: 1px solid #888; border-radius: .6rem; box-shadow: 0 .3rem 1.2rem #0005; margin-bottom: .6rem; overflow: hidden; }
    .panel[hidden], [hidden] { display: none; }
    header { display: flex; align-items: center; gap: .4rem; padding: .6rem; background: #0b4f8a; color: #fff; }
    h2 { flex: 1; margin: 0; font-size: 1.05rem; font-weight: 600; overflow-wrap: anywhere; }
    header button { color: #1a1a1a; }
    .status { margin: 0; padding: .4rem .6rem; background: #eef3f8; overflow-wrap: anywhere; }
    .status:empty { display: none; }
    .log { flex: 1; overflow-y: auto; }
    ol { margin: 0; padding: .6rem; list-style: none; }
    li { margin: 0 0 .5rem; max-width: 85%; padding: .4rem .6rem; border-radius: .5rem; background: #eee; white-space: pre-wrap; overflow-wrap: anywhere; }
    li.mine { margin-left: auto; background: #d9e9f7; }
    li.pending { opacity: .6; }
    li.fault { background: #fbe3e6; }
    small { display: block; font-size: .75rem; color: #555; }
    li button { display: block; margin-top: .2rem; text-align: left; overflow-wrap: anywhere; }
    form { padding: .5rem .6rem; border-top: 1px solid #ccc; display: grid; gap: .4rem; }
    form p { margin: 0; }
    label { font-size: .85rem; }
    input, textarea { width: 100%; border: 1px solid #777; border-radius: .4rem; padding: .4rem; background: #fff; }
    textarea { resize: none; height: 4rem; }
    .row { display: flex; flex-wrap: wrap; gap: .4rem; }
    .unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
    @media (prefers-reduced-motion: no-preference) { .panel { transition: opacity .15s; } }
  `);
  root.adoptedStyleSheets = [sheet];

  const badge = make("span", { className: "badge", hidden: true });
  const launcher = make("button", { type: "button", className: "main", onclick: () => toggle() }, said("open"), badge);
  launcher.setAttribute("aria-expanded", "false");
  launcher.setAttribute("aria-controls", "panel");
  const status = make("p", { className: "status", role: "status" });
  const typing = make("p", { className: "status", role: "status" });
  const list = make("ol");
  const log = make("div", { className: "log", role: "log", tabIndex: 0 }, list);
  log.setAttribute("aria-label", said("log"));
  log.setAttribute("aria-live", "polite");

  const field = (name, type, autocomplete) => {
    const input = make("input", { id: name, type, maxLength: name === "number" ? 40 : 200 });
    input.autocomplete = autocomplete;
    return [input, make("label", { htmlFor: name }, said(name)), input];
  };
  const asked = { name: field("name", "text", "name"), email: field("email", "email", "email"), number: field("number", "tel", "tel") };
  const whoForm = make("form", { noValidate: true, onsubmit: (event) => { event.preventDefault(); tellWho(); } },
    make("p", {}, said("who")),
    ...SETTINGS.ask.flatMap((name) => asked[name].slice(1)),
    make("button", { className: "main" }, said("begin")));
  const text = make("textarea", { id: "text", maxLength: SETTINGS.textMost, oninput: () => tellTyping(), onkeydown: onKey });
  const file = make("input", { id: "file", type: "file", className: "unseen", onchange: () => bringFile(), tabIndex: -1 });
  file.setAttribute("aria-label", said("file"));
  const more = make("form", { hidden: true, noValidate: true, onsubmit: (event) => { event.preventDefault(); askMore(); } });
  const sayForm = make("form", { onsubmit: (event) => { event.preventDefault(); submit(); } },
    make("label", { htmlFor: "text" }, said("message")), text,
    make("div", { className: "row" },
      make("button", { className: "main" }, said("send")),
      ...(SETTINGS.files ? [make("button", { type: "button", onclick: () => file.click() }, said("file")), file] : []),
      ...(SETTINGS.callback ? [make("button", { type: "button", onclick: () => showMore("call-me") }, said("callMe"))] : []),
      ...(SETTINGS.transcript ? [make("button", { type: "button", onclick: () => showMore("transcript") }, said("transcript"))] : []),
      make("button", { type: "button", onclick: () => end() }, said("end"))));
  const title = make("h2", { id: "title" }, SETTINGS.title);
  const panel = make("section", { id: "panel", className: "panel", role: "dialog", hidden: true, lang: language, onkeydown: (event) => {
    if (event.key === "Escape") { event.stopPropagation(); toggle(false); }
  } },
    make("header", {}, title, make("button", { type: "button", onclick: () => toggle(false) }, said("close"))),
    status, log, typing, whoForm, more, sayForm);
  panel.setAttribute("aria-labelledby", "title");
  root.append(panel, launcher);

  // What is shown

  let last = 0, ours = 0, toldSeen = 0, unread = 0, hours = "", standing = null, isOpen = false;
  const pending = new Map();
  const time = (at) => new Date(at).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });

  function toggle(open = !isOpen) {
    isOpen = open;
    panel.hidden = !open;
    launcher.setAttribute("aria-expanded", String(open));
    if (!open) { launcher.focus(); return; }
    showForms();
    connect();
    see();
    log.scrollTop = log.scrollHeight;
    (whoForm.hidden ? text : whoForm.querySelector("input, button")).focus();
  }

  function showForms() {
    whoForm.hidden = !SETTINGS.ask.length || Boolean(keep.get("known")) || last > 0 || pending.size > 0;
    sayForm.hidden = !whoForm.hidden;
  }

  function see() {
    if (isOpen && document.visibilityState === "visible" && last) {
      unread = 0;
      if (last > number("seen")) { keep.set("seen", String(last)); }
      if (online && ours > toldSeen) { toldSeen = ours; send({ t: "seen", seq: ours }); }
    }
    badge.hidden = !unread;
    badge.textContent = unread ? String(unread) : "";
    launcher.setAttribute("aria-label", unread ? `${said("open")}, ${said("unread", { count: unread })}` : said("open"));
  }

  function entry(line, isMine) {
    const item = make("li", { className: isMine ? "mine" : "" });
    const who = isMine ? said("you") : line.by || SETTINGS.title;
    item.append(make("small", {}, `${who}, ${time(line.at || Date.now())}`), make("span", {}, line.text || ""));
    (line.files || []).forEach((one, at) => item.append(
      make("button", { type: "button", onclick: () => getFile(line.seq, at, one.name) }, `${one.name} (${Math.ceil(one.size / 1024)} KiB)`)));
    return item;
  }

  function append(item) {
    const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
    list.append(item);
    if (isAtEnd) log.scrollTop = log.scrollHeight;
  }

  function note(words, isFault = false) {
    append(make("li", { className: isFault ? "fault" : "" }, words));
  }

  function showStanding() {
    const parts = [];
    if (!online) parts.push(said("offline"));
    else if (standing) {
      if (standing.closed && hours) parts.push(hours);
      else if (standing.closed) parts.push(said("closedNow"));
      if (standing.stage === "waiting" && !standing.closed) {
        parts.push(standing.position ? said("position", { position: standing.position }) : said("waiting"));
        if (standing.wait_most_ms) parts.push(said("wait", { minutes: Math.ceil(standing.wait_most_ms / 60000) }));
      }
      if (standing.stage === "talking") parts.push(standing.agent ? said("talkingTo", { agent: standing.agent }) : said("talking"));
      if (standing.stage === "closed") parts.push(said("over"));
    }
    const now = parts.join(" ");
    if (status.textContent !== now) status.textContent = now;
  }

  // The socket

  let socket = null, online = false, tries = 0, heardAt = 0, again = 0, isUseless = false;

  function connect() {
    if (socket || isUseless) return;
    clearTimeout(again);
    const made = socket = new WebSocket(`${base.replace(/^http/, "ws")}/ws`);
    made.onopen = () => {
      heardAt = Date.now();
      made.send(JSON.stringify({ t: "hello", v: SETTINGS.version, token: keep.get("token"), last, language }));
    };
    made.onmessage = (event) => {
      if (made !== socket) return;
      heardAt = Date.now();
      const told = JSON.parse(event.data);
      if (Object.hasOwn(told, "t") && Object.hasOwn(HEAR, told.t)) HEAR[told.t](told);
    };
    made.onclose = () => {
      if (made !== socket) return;
      socket = null;
      online = false;
      showStanding();
      if (isUseless || (!isOpen && !isRecent() && !pending.size)) return;
      const wait = Math.min(AGAIN_MS * 2 ** tries++, AGAIN_MOST_MS);
      again = setTimeout(connect, wait * (0.5 + Math.random()));
    };
  }

  function send(told) {
    if (online && socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(told));
  }

  setInterval(() => {
    if (!socket) return;
    if (Date.now() - heardAt > SILENT_MS) { const old = socket; socket.onclose(); old.close(); return; }
    send({ t: "ping" });
  }, PING_MS);

  const isRecent = () => Boolean(keep.get("token")) && Date.now() - number("at") < RECENT_MS;

  const HEAR = {
    welcome(told) {
      const other = keep.get("token");
      if ((told.token !== other && other) || told.last < last) { last = ours = toldSeen = 0; list.replaceChildren(); }
      keep.set("token", told.token);
      online = true;
      tries = 0;
      hours = told.hours || "";
      if (told.greeting && !told.last && !last && !list.children.length) note(told.greeting);
      showStanding();
      for (const one of asks.values()) { if (one.told.t === "who") send(one.told); } // told twice, it is the same
      for (const line of readOutbox()) { if (!pending.has(line.id)) showPending(line); }
      for (const line of pending.values()) send({ t: "say", id: line.id, text: line.text });
    },
    line(told) {
      const mine = Boolean(told.mine);
      if (mine) { outbox.remove(told.id); const was = pending.get(told.id); if (was) { was.item.remove(); pending.delete(told.id); } }
      if (told.seq <= last) return;
      last = told.seq;
      keep.set("at", String(told.at));
      if (!told.text && !(told.files || []).length) return;
      append(entry(told, mine));
      for (const one of pending.values()) list.append(one.item);
      if (!mine && told.seq > number("seen")) unread += 1;
      if (!mine) { ours = told.seq; typing.textContent = ""; }
      showForms();
      see();
    },
    standing(told) { standing = told; showStanding(); },
    typing(told) { typing.textContent = told.on ? said("typing") : ""; },
    seen() {},
    done(told) { settle(told.id, ""); },
    refused(told) { settle(told.id, told.why); },
    pong() {},
    bye(told) {
      if (told.why === "gone") forget();
      if (USELESS.has(told.why)) { isUseless = true; note(said("reload"), true); }
    },
  };

  // What is said

  function onKey(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); submit(); }
  }

  function showPending(line) {
    const item = entry(line, true);
    item.classList.add("pending");
    pending.set(line.id, { ...line, item });
    append(item);
  }

  function submit() {
    const words = text.value.trim();
    if (!words) return;
    const line = { id: newId(), text: words };
    text.value = "";
    outbox.add(line);
    showPending(line);
    keep.set("at", String(Date.now()));
    connect();
    send({ t: "say", ...line });
    text.focus();
  }

  let typedAt = 0;
  function tellTyping() {
    if (Date.now() - typedAt > TYPING_MS) { typedAt = Date.now(); send({ t: "typing" }); }
  }

  const asks = new Map();
  function ask(told, then) {
    const id = newId();
    asks.set(id, { told: { ...told, id }, then });
    send({ ...told, id });
  }

  function settle(id, why) {
    const line = pending.get(id), asked = asks.get(id);
    if (line && (why === "slow" || why === "not-now")) {
      setTimeout(() => { if (pending.has(id)) send({ t: "say", id, text: line.text }); }, LATER_MS);
    } else if (line && why) {
      pending.delete(id);
      outbox.remove(id);
      line.item.remove();
      note(`${said("refused")} ${line.text}`, true);
    }
    if (asked) { asks.delete(id); asked.then(why); }
  }

  function tellWho() {
    const who = Object.fromEntries(SETTINGS.ask.map((name) => [name, asked[name][0].value.trim()]));
    const isSaid = Object.values(who).some(Boolean);
    const go = (why) => {
      if (why === "no-address") { note(said("noAddress"), true); return; }
      keep.set("known", "1");
      showForms();
      text.focus();
    };
    if (isSaid) ask({ t: "who", ...who }, go); // now, or as soon as there is a connection
    else go("");
    if (!online) showStanding();
  }

  let wish = "";
  function showMore(kind) {
    if (wish === kind && !more.hidden) { more.hidden = true; return; }
    wish = kind;
    const input = make("input", { id: "more", type: kind === "call-me" ? "tel" : "email", maxLength: kind === "call-me" ? 40 : 200 });
    input.value = asked[kind === "call-me" ? "number" : "email"][0].value;
    more.replaceChildren(make("label", { htmlFor: "more" }, said(kind === "call-me" ? "callNumber" : "mailTo")), input,
      make("div", { className: "row" }, make("button", { className: "main" }, said("ok"))));
    more.hidden = false;
    input.focus();
  }

  function askMore() {
    const value = more.querySelector("input").value.trim();
    if (!value) return;
    if (!online) { note(said("offline"), true); return; }
    const kind = wish;
    ask(kind === "call-me" ? { t: kind, number: value } : { t: kind, email: value }, (why) => {
      if (!why) { more.hidden = true; note(said(kind === "call-me" ? "willCall" : "willMail")); text.focus(); return; }
      note(said({ "no-number": "noNumber", "no-address": "noAddress", nothing: "nothing" }[why] || "notNow"), true);
    });
  }

  function end() {
    send({ t: "leave" });
    forget();
    toggle(false);
  }

  function forget() {
    const old = socket;
    socket = null;
    online = false;
    if (old) setTimeout(() => old.close(), 500);
    keep.forget();
    pending.clear();
    last = ours = toldSeen = unread = 0;
    standing = null;
    list.replaceChildren();
    typing.textContent = "";
    showForms();
    showStanding();
    see();
  }

  // Files

  async function bringFile() {
    const one = file.files[0];
    file.value = "";
    if (!one) return;
    if (!online) { note(said("offline"), true); return; }
    if (one.size > SETTINGS.fileMost * 1048576) { note(said("fileLarge", { most: SETTINGS.fileMost }), true); return; }
    keep.set("at", String(Date.now()));
    let answer = 0;
    try {
      answer = (await fetch(`${base}/files`, { method: "POST", body: one, credentials: "omit", headers: {
        Authorization: `Bearer ${keep.get("token")}`,
        "Content-Type": one.type || "application/octet-stream",
        "X-Callfloor-Id": newId(),
        "X-Callfloor-Name": encodeURIComponent(one.name),
      } })).status;
    } catch { /* said below */ }
    if (answer !== 204) note(said(answer === 415 ? "fileKind" : answer === 413 ? "fileLarge" : "notNow", { most: SETTINGS.fileMost }), true);
  }

  async function getFile(seq, at, name) {
    try {
      const answer = await fetch(`${base}/files/${seq}/${at}`, { credentials: "omit", headers: { Authorization: `Bearer ${keep.get("token")}` } });
      if (!answer.ok) throw new Error(String(answer.status));
      const link = make("a", { href: URL.createObjectURL(new Blob([await answer.arrayBuffer()], { type: "application/octet-stream" })), download: name });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    } catch { note(said("notNow"), true); }
  }

  // The page

  document.addEventListener("visibilitychange", see);
  window.addEventListener("online", () => { tries = 0; if (!socket && (isOpen || isRecent())) connect(); });
  const settleIn = () => {
    document.body.append(host);
    showForms();
    if (isRecent() || readOutbox().length) connect();
  };
  if (document.body) settleIn(); else document.addEventListener("DOMContentLoaded", settleIn);
})();

// What a browser with scripts adds: pages that keep themselves up to date, dialogs, colours without a reload, line numbers.
// Every page works without it. Nothing here knows what a page shows: the server draws, this takes over what changed.

const CONSOLE = new URL("../", import.meta.url).pathname;
const isTheSame = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id ?? "") === (b.id ?? "");

// -- taking over what changed -------------------------------------------------------------------------------------------

/** Make `old` like `fresh` and touch only what differs, so that focus, open details, selections and what was typed stay. */
export function takeOver(old, fresh) {
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  const isReaders = (name) => name === "open" && old.nodeName === "DETAILS";
  for (const { name, value } of fresh.attributes)
    if (old.getAttribute(name) !== value && !isReaders(name)) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && !isReaders(name)) old.removeAttribute(name);
  if (old.nodeName === "TEXTAREA") return;
  takeOverChildren(old, fresh);
}

function takeOverChildren(old, fresh) {
  let at = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    let match = at;
    // An element with an id may have moved; one without an id is compared with the element at the same position.
    if (child.id) while (match && !isTheSame(match, child)) match = match.nextSibling;
    else if (match && !isTheSame(match, child)) match = null;
    if (!match) {
      old.insertBefore(document.importNode(child, true), at);
      continue;
    }
    while (at !== match) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
    takeOver(match, child);
    at = match.nextSibling;
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

// -- pages that keep themselves up to date ------------------------------------------------------------------------------

const offline = document.querySelector(".offline");

async function pageOf(url, mark = "") {
  const headers = { Accept: "text/html", "X-Console-Live": "1", ...(mark && { "If-None-Match": mark }) };
  const answer = await fetch(url, { headers, cache: "no-store" });
  if (answer.redirected && new URL(answer.url).pathname.endsWith("/sign-in")) location.assign(location.href);
  return [answer, new DOMParser().parseFromString(await answer.text(), "text/html")];
}

const isBack = (main) => {
  offline.hidden = true;
  main.classList.remove("stale");
};
let mark = "";

/** Fetch this page once more and take over its content, its title and the number of what is parked; nothing if nothing changed. */
export async function refresh() {
  const main = document.querySelector("main");
  try {
    const [answer, page] = await pageOf(location.href, mark);
    if (answer.status === 304) return isBack(main);
    if (!answer.ok) throw new Error(`${answer.status}`);
    mark = answer.headers.get("ETag") ?? "";
    const fresh = page.querySelector("main");
    // A message that is shown once stays until the reader leaves the page.
    const notice = main.querySelector("[data-once]");
    if (notice && !fresh.querySelector("[data-once]")) fresh.prepend(document.importNode(notice, true));
    takeOver(main, fresh);
    const menus = page.querySelectorAll(".menu");
    document.querySelectorAll(".menu").forEach((menu, index) => menus[index] && takeOver(menu, menus[index]));
    document.title = page.title;
    isBack(main);
  } catch {
    offline.hidden = false;
    main.classList.add("stale");
  }
}

async function keepUpToDate() {
  const seconds = Number(document.querySelector("main")?.dataset.live);
  if (!seconds) return;
  for (;;) {
    const slower = offline.hidden ? 1 : 3;
    await new Promise((done) => setTimeout(done, seconds * slower * 1000));
    if (document.hidden) await new Promise((done) => document.addEventListener("visibilitychange", done, { once: true }));
    await refresh();
  }
}

// -- the reader's clock -------------------------------------------------------------------------------------------------

const isKnown = (cookie) => document.cookie.split("; ").includes(cookie);
const remember = (cookie) => {
  document.cookie = `${cookie}; Path=${CONSOLE}; Max-Age=31536000; SameSite=Lax`;
};

/** The server writes times; it only has to know the zone. The page reports it once, then a cookie keeps it. */
async function tellZone() {
  const cookie = `lofty_ghl_zone=${encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC")}`;
  if (isKnown(cookie)) return;
  remember(cookie);
  if (document.querySelector("main[data-live] time") && isKnown(cookie)) await refresh();
}

// -- colours ------------------------------------------------------------------------------------------------------------

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-theme-form]") || !event.submitter) return;
  event.preventDefault();
  const theme = event.submitter.value;
  remember(`lofty_ghl_theme=${theme}`);
  document.documentElement.dataset.theme = theme;
  for (const button of document.querySelectorAll("[data-theme-form] button"))
    button.setAttribute("aria-pressed", String(button.value === theme));
});

// -- questions as dialogs -----------------------------------------------------------------------------------------------

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-dialog]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  try {
    const [answer, page] = await pageOf(link.href);
    const question = page.querySelector(".question");
    if (!answer.ok || !question) throw new Error("no question");
    ask(question);
  } catch {
    location.assign(link.href);
  }
});

function ask(question) {
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "question");
  question.classList.remove("card");
  dialog.append(document.importNode(question, true));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog || event.target.closest("[data-close]")) {
      event.preventDefault();
      dialog.close();
    }
  });
  document.body.append(dialog);
  dialog.showModal();
}

// -- the mapping editor -------------------------------------------------------------------------------------------------

function setUpEditor(form) {
  const text = form.querySelector("textarea");
  const lines = form.querySelector(".lines");
  const bad = new Set(lines.dataset.bad.split(" ").filter(Boolean).map(Number));
  const saved = text.value;
  const number = () => {
    const count = text.value.split("\n").length;
    if (lines.childElementCount !== count)
      lines.replaceChildren(
        ...Array.from({ length: count }, (_, index) => {
          const line = document.createElement("span");
          line.textContent = index + 1;
          line.classList.toggle("bad", bad.has(index + 1));
          return line;
        }),
      );
  };
  const goTo = (line) => {
    const before = text.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    const end = text.value.indexOf("\n", before);
    text.focus();
    text.setSelectionRange(before, end < 0 ? text.value.length : end);
    text.scrollTop = (line - 4) * Number.parseFloat(getComputedStyle(text).lineHeight);
  };
  text.addEventListener("input", number);
  text.addEventListener("scroll", () => (lines.scrollTop = text.scrollTop));
  let isLeaving = false;
  form.addEventListener("submit", () => (isLeaving = true));
  addEventListener("beforeunload", (event) => {
    const isEdited = "edited" in form.dataset || text.value !== saved;
    if (!isLeaving && isEdited && !text.readOnly) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-line]");
    if (!link) return;
    event.preventDefault();
    goTo(Number(link.dataset.line));
  });
  number();
}

// -- a table from a file ------------------------------------------------------------------------------------------------

/** Without scripts people paste the cells; with them, a file can be chosen. It is read here, as no other page takes files. */
function setUpTable(form) {
  const field = form.querySelector("[data-table-file]");
  const problem = form.querySelector("[data-table-problem]");
  const text = form.querySelector("textarea");
  field.hidden = false;
  field.querySelector("input").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    const bytes = new Uint8Array(await file.slice(0, text.maxLength + 1).arrayBuffer());
    const marks = { "255,254": "utf-16le", "254,255": "utf-16be" };
    try {
      if (bytes.length > text.maxLength) throw new RangeError("too long");
      text.value = new TextDecoder(marks[bytes.slice(0, 2).join()] ?? "utf-8", { fatal: true }).decode(bytes);
      problem.textContent = "";
    } catch (error) {
      text.value = "";
      problem.textContent =
        error instanceof RangeError ? "The file is larger than 512 KiB." : "The file is not in UTF-8. In Excel: Save as, CSV UTF-8.";
    }
  });
}

document.querySelectorAll("[data-table-form]").forEach(setUpTable);
document.querySelectorAll("[data-editor]").forEach(setUpEditor);
await tellZone();
keepUpToDate();

// A search page over the API: plain fetch, one request a screen. What is shown is in the address of
// the page, so that going back, reloading and sharing show the same again; what was seen already
// comes from the browser's own cache, as the API allows.

const API = document.querySelector('meta[name="api"]').content;
const PAGE = 10;
const FACETS = { artform: "Art form", kind: "Kind", authority: "Where" };
const SHOWN = [
  "title", "summary", "provider", "venue", "authority", "delivery", "age_min", "age_max",
  "sessions", "always_available", "price", "distance_km",
];
const LONDON = "Europe/London";

const at = (id) => document.getElementById(id);
const form = at("search");
let under_way = new AbortController();

// --- from the address to the request ------------------------------------------------------------

function today() {
  // The Swedish way to write a date is that of ISO 8601.
  return new Intl.DateTimeFormat("sv-SE", { timeZone: LONDON }).format(new Date());
}

function lastOfMonth(day) {
  const [year, month] = day.split("-").map(Number);
  return new Date(Date.UTC(year, month, 0)).toISOString().slice(0, 10);
}

function request(asked) {
  const address = new URL("/v1/opportunities", API);
  for (const [name, value] of asked) {
    if (name !== "when") address.searchParams.append(name, value);
  }
  const when = asked.get("when");
  if (when) {
    address.searchParams.set("starts_from", today());
    address.searchParams.set("starts_to", when === "month" ? lastOfMonth(today()) : today());
  }
  address.searchParams.set("facets", Object.keys(FACETS));
  address.searchParams.set("count", "true");
  address.searchParams.set("fields", SHOWN);
  address.searchParams.set("limit", PAGE);
  return address;
}

// --- what was asked, in the form ----------------------------------------------------------------

function fill(asked) {
  for (const field of form.elements) {
    if (field.type === "checkbox") field.checked = asked.get(field.name) === field.value;
    else if (field.name === "within_km") field.value = asked.get(field.name) ?? "10";
    else if (field.name) field.value = asked.get(field.name) ?? "";
  }
}

function written() {
  const asked = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (value.trim()) asked.append(name, value.trim());
  }
  if (!asked.has("near")) asked.delete("within_km");
  return asked;
}

function asksAnything(asked) {
  return [...asked.keys()].length > 0;
}

// --- showing ------------------------------------------------------------------------------------

function element(name, text, more = {}) {
  // Text is never read as HTML.
  const made = Object.assign(document.createElement(name), more);
  made.textContent = text;
  return made;
}

function link(asked, text) {
  return element("a", text, { href: `?${asked}` });
}

function ages({ age_min: low, age_max: high }) {
  if (low === null && high === null) return null;
  if (high === null) return `from ${low} years`;
  return low === high ? `${low} years` : `${low ?? 0} to ${high} years`;
}

function when({ always_available: always, sessions: [next] }) {
  if (!next) return always ? "at any time" : null;
  const day = { weekday: "short", day: "numeric", month: "long", timeZone: LONDON };
  if (next.date) return new Intl.DateTimeFormat("en-GB", day).format(new Date(next.date));
  const time = { ...day, hour: "numeric", minute: "2-digit" };
  return new Intl.DateTimeFormat("en-GB", time).format(new Date(next.starts_at));
}

function price({ price: told }) {
  if (!told) return null;
  if (told.free) return "free";
  return told.from ? `from £${told.from}` : told.text;
}

function where({ venue, delivery, distance_km: far }) {
  const place = venue?.name ?? { online: "online", outreach: "comes to you" }[delivery];
  if (far === undefined || far === null) return place;
  return `${place} (${far < 0.1 ? "less than 0.1" : far.toFixed(1)} km away)`;
}

function listing(item) {
  const made = document.createElement("li");
  made.append(element("h3", item.title));
  const facts = [when(item), where(item), ages(item), price(item)].filter(Boolean);
  made.append(element("p", facts.join(" · "), { className: "facts" }));
  if (item.summary) made.append(element("p", item.summary));
  if (item.provider) made.append(element("p", item.provider.name, { className: "provider" }));
  return made;
}

function facet(name, values, asked) {
  const made = document.createElement("section");
  made.dataset.facet = name;
  const list = document.createElement("ul");
  for (const { value, label, count } of values) {
    const isChosen = asked.getAll(name).includes(value);
    const other = new URLSearchParams(asked);
    other.delete("cursor"); // it belongs to the filters that it was made for
    if (isChosen) other.delete(name, value);
    else other.append(name, value);
    const choice = link(other, label);
    if (isChosen) choice.setAttribute("aria-current", "true");
    const item = document.createElement("li");
    item.append(choice, " ", element("span", `(${count})`, { className: "count" }));
    list.append(item);
  }
  made.append(element("h3", FACETS[name]), list);
  return made;
}

function found(page, asked) {
  const said = page.total === 1 ? "1 activity" : `${page.total} activities`;
  const corrected = page.corrected.map((one) => `“${one.taken_for}” for “${one.written}”`);
  at("summary").textContent = corrected.length ? `${said}, taking ${corrected.join(", ")}` : said;
  at("items").replaceChildren(...page.items.map(listing));
  at("facets").replaceChildren(
    ...Object.keys(FACETS).map((name) => facet(name, page.facets[name], asked)),
  );
  const start = new URLSearchParams(asked);
  start.delete("cursor");
  at("first").href = `?${start}`;
  at("first").hidden = !asked.has("cursor");
  at("next").hidden = !page.next;
  if (page.next) {
    start.set("cursor", new URL(page.next).searchParams.get("cursor"));
    at("next").href = `?${start}`;
  }
}

function wrong(problem) {
  const errors = problem.errors ?? [];
  const ofNear = errors.find((error) => error.pointer === "?near");
  const details = new Set([problem.detail, ...errors.map((error) => error.detail)]);
  at("problem").textContent = [...details].filter(Boolean).join(" ");
  if (ofNear) {
    at("near").setAttribute("aria-invalid", "true");
    at("near-problem").textContent = ofNear.detail;
    at("near").focus();
  }
}

// --- one screen ---------------------------------------------------------------------------------

async function show() {
  under_way.abort(); // whoever goes on does not wait for what came before
  under_way = new AbortController();
  const { signal } = under_way;
  const asked = new URLSearchParams(location.search);
  fill(asked);
  at("near").removeAttribute("aria-invalid");
  at("near-problem").textContent = "";
  at("found").setAttribute("aria-busy", "true");
  let isFound = false;
  let isWrong = false;
  try {
    if (asksAnything(asked)) {
      const answer = await fetch(request(asked), { signal });
      const body = await answer.json();
      isFound = answer.ok;
      isWrong = !answer.ok;
      if (isFound) found(body, asked);
      else wrong(body);
    }
  } catch (error) {
    if (error.name === "AbortError") return;
    isWrong = true;
    at("problem").textContent = "The service does not answer. Please try again.";
  }
  at("found").hidden = !isFound;
  at("problem").hidden = !isWrong;
  at("found").removeAttribute("aria-busy");
  document.body.dataset.shown = location.search; // for who waits until it is there
}

function go(asked) {
  history.pushState(null, "", `?${asked}`);
  return show();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  go(written());
});

document.addEventListener("click", async (event) => {
  const followed = event.target.closest("#facets a, #pages a");
  const isPlain = !(event.metaKey || event.ctrlKey || event.shiftKey || event.button);
  if (!followed || !isPlain) return;
  event.preventDefault();
  await go(new URL(followed.href).searchParams);
  at("results").focus(); // so that reading goes on with what was found
});

addEventListener("popstate", show);
show();

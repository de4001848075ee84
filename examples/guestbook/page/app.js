"use strict";

const form = document.querySelector("#form");
const list = document.querySelector("#entries");
const empty = document.querySelector("#empty");
const notice = document.querySelector("#notice");
const button = form.querySelector("button");

// Entries become text nodes, never markup: whatever a visitor writes stays text.
function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function card(entry, isNew) {
  const item = document.createElement("li");
  const foot = document.createElement("footer");
  const when = element("time", new Date(entry.at).toLocaleString());
  when.dateTime = new Date(entry.at).toISOString();
  foot.append(element("strong", entry.name), ", ", when);
  item.append(element("p", entry.message), foot);
  item.classList.toggle("new", isNew);
  return item;
}

function say(text, bad = false) {
  notice.textContent = text;
  notice.classList.toggle("bad", bad);
}

async function ask(options) {
  const response = await fetch("/api/entries", options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

async function load() {
  try {
    const entries = await ask();
    list.replaceChildren(...entries.map((entry) => card(entry, false)));
    empty.hidden = entries.length > 0;
  } catch (error) {
    say(error.message, true);
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  try {
    const entry = await ask({
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(Object.fromEntries(new FormData(form))),
    });
    list.prepend(card(entry, true));
    empty.hidden = true;
    form.reset();
    say("Thank you.");
  } catch (error) {
    say(error.message, true);
  } finally {
    button.disabled = false;
  }
});

load();

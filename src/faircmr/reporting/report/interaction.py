"""What a browser adds to the page: tabs, sorting, explanations. Without it everything is there, one below another."""

from __future__ import annotations

STYLE = """
nav.sections { display: flex; flex-wrap: wrap; gap: .3rem; margin: 1rem 0 0;
  padding: .4rem 0; }
nav.sections a { padding: .35rem .7rem; border: 1px solid #8a8a8a; border-radius: .3rem; text-decoration: none;
  color: #222; background: #fff; font-size: .92rem; }
nav.sections a[aria-selected=true] { background: #00558a; border-color: #00558a; color: #fff; }
a:focus-visible, button:focus-visible, summary:focus-visible, abbr:focus-visible, figure div:focus-visible {
  outline: 3px solid #00558a; outline-offset: 2px; }
section:focus { outline: none; }
td small, th small { display: block; color: #555; font-size: .78em; white-space: nowrap; font-weight: 400; }
td sup { margin-left: .05em; line-height: 0; }
abbr[title], abbr[data-tip] { text-decoration: underline dotted; cursor: help; }
table.numbers.sortable td:last-child, table.numbers.sortable thead th:last-child { text-align: right; }
table.numbers.sortable td:last-child { min-width: 0; }
table.sortable th button { font: inherit; font-weight: 600; color: inherit; background: none; border: 0; padding: 0;
  text-align: inherit; cursor: pointer; }
table.sortable th[aria-sort=ascending] button::after { content: " \\25B2"; }
table.sortable th[aria-sort=descending] button::after { content: " \\25BC"; }
.tip { position: absolute; max-width: 18rem; background: #222; color: #fff; padding: .4rem .6rem; border-radius: .3rem;
  font-size: .85rem; line-height: 1.35; z-index: 3; }
.absent { background: #f2f2f2; border-left: 4px solid #6b6b6b; padding: .5rem .8rem; }
.shade { display: inline-block; min-width: 2.2rem; padding: .1rem .3rem; text-align: right; }
.shade-1 { background: #e6f1f8; } .shade-2 { background: #cfe5f2; } .shade-3 { background: #b4d6ea; }
.shade-4 { background: #98c6e2; } .shade-5 { background: #7db7da; }
section details summary { font-size: 1rem; margin-top: .8rem; border-top: 1px solid #ccc; }
@media (max-width: 36rem) { figure img { min-width: 30rem; } }
@media print { nav.sections, .tip { display: none; } section[hidden] { display: block; }
  section { break-before: page; } }
"""
SCRIPT = """
"use strict";
(() => {
  const nav = document.querySelector("nav.sections");
  const links = [...nav.querySelectorAll("a")];
  const panels = links.map((link) => document.querySelector(link.getAttribute("href")));
  const show = (chosen, focus) => {
    links.forEach((link, place) => {
      link.setAttribute("aria-selected", String(place === chosen));
      link.tabIndex = place === chosen ? 0 : -1;
      panels[place].hidden = place !== chosen;
    });
    if (focus) links[chosen].focus();
  };
  nav.setAttribute("role", "tablist");
  links.forEach((link, place) => {
    link.setAttribute("role", "tab");
    link.id = link.id || "tab-" + panels[place].id;
    link.setAttribute("aria-controls", panels[place].id);
    panels[place].setAttribute("role", "tabpanel");
    panels[place].setAttribute("aria-labelledby", link.id);
    link.addEventListener("click", (event) => {
      event.preventDefault();
      history.replaceState(null, "", "#" + panels[place].id);
      show(place, true);
    });
    link.addEventListener("keydown", (event) => {
      const last = links.length - 1;
      const next = place === last ? 0 : place + 1;
      const to = { ArrowRight: next, ArrowLeft: place ? place - 1 : last, Home: 0, End: last };
      if (event.key === " ") { event.preventDefault(); link.click(); }
      if (event.key in to) { event.preventDefault(); show(to[event.key], true); }
    });
  });
  const named = panels.findIndex((panel) => "#" + panel.id === location.hash);
  show(named < 0 ? 0 : named, false);
  // a browser scrolls to what the address names, past the tabs
  if (named >= 0) addEventListener("load", () => scrollTo(0, 0));
  addEventListener("hashchange", () => {
    const place = panels.findIndex((panel) => "#" + panel.id === location.hash);
    if (place >= 0) show(place, false);
  });

  const key = (cell) => {
    const found = cell.firstChild ? cell.firstChild.textContent.replace(/\\u00a0/g, " ").trim() : "";
    if (found === "-") return NaN;
    const number = found.match(/^<?\\s*(-?\\d+(\\.\\d+)?)/);
    return number ? Number(number[1]) : found.toLowerCase();
  };
  const order = (one, other) => {
    if (Number.isNaN(one) || Number.isNaN(other)) return Number.isNaN(one) - Number.isNaN(other);
    if (typeof one === typeof other) return one < other ? -1 : Number(one > other);
    return typeof one === "number" ? -1 : 1;
  };
  document.querySelectorAll("table.sortable").forEach((table) => {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      if (!head.textContent.trim()) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const falling = head.getAttribute("aria-sort") === "ascending";
        heads.forEach((each) => each.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", falling ? "descending" : "ascending");
        for (const body of table.tBodies) {
          const rows = [...body.rows].filter((row) => row.cells.length === heads.length);
          rows.map((row) => [key(row.cells[column]), row])
            .sort((one, other) => {
              const gone = Number.isNaN(one[0]) || Number.isNaN(other[0]);
              return order(one[0], other[0]) * (falling && !gone ? -1 : 1);
            })
            .forEach(([, row]) => body.append(row));
        }
      });
    });
  });

  const tip = document.createElement("div");
  tip.className = "tip";
  tip.id = "tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;
  document.body.append(tip);
  const hide = () => { tip.hidden = true; };
  document.querySelectorAll("abbr[title]").forEach((term) => {
    const reached = term.closest("button") || term;
    term.dataset.tip = term.title;
    term.removeAttribute("title");
    if (reached === term) term.tabIndex = 0;
    reached.setAttribute("aria-describedby", "tip");
    const tell = () => {
      const at = term.getBoundingClientRect();
      tip.textContent = term.dataset.tip;
      tip.hidden = false;
      const left = Math.min(at.left, document.documentElement.clientWidth - tip.offsetWidth - 8);
      tip.style.left = Math.max(left, 8) + scrollX + "px";
      tip.style.top = at.bottom + scrollY + 6 + "px";
    };
    for (const begin of ["mouseenter", "focus"]) reached.addEventListener(begin, tell);
    for (const end of ["mouseleave", "blur"]) reached.addEventListener(end, hide);
  });
  addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
})();
"""

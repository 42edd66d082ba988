// Tables: columns of numbers align to the right, and the header of a column sorts by it: up, down, then as printed.
"use strict";

(() => {
  const NUMBER = /^([+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?:\s*(?:±|\(|%).*)?$/i;
  const MISSING = new Set(["", "-", "–", "—", "not run yet"]);

  // A narrow space stands between thousands.
  const text = cell => cell.textContent.replace(/\u202f/g, "").replace(/\s+/g, " ").trim();
  const value = cell => {
    const found = text(cell).replace(/[−–]/g, "-").match(NUMBER);
    return found ? Number(found[1]) : null;
  };
  const isNumeric = cells =>
    cells.some(cell => value(cell) !== null) && cells.every(cell => value(cell) !== null || MISSING.has(text(cell)));

  // Missing values come last in both directions.
  const compare = (numeric, sign) => (a, b) => {
    const [x, y] = [a, b].map(cell => (numeric ? value(cell) : MISSING.has(text(cell)) ? null : text(cell)));
    if (x === null || y === null) return (x === null) - (y === null);
    return sign * (numeric ? x - y : x.localeCompare(y, undefined, { numeric: true }));
  };

  const makeSortable = (body, rows, headers, column, numeric) => {
    const header = headers[column];
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.title = "Sort by this column";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => {
      const next = { ascending: "descending", descending: null }[header.ariaSort] ?? (header.ariaSort ? null : "ascending");
      headers.forEach(other => other.removeAttribute("aria-sort"));
      if (next) header.ariaSort = next;
      const order = compare(numeric, next === "descending" ? -1 : 1);
      body.append(...(next ? [...rows].sort((a, b) => order(a.cells[column], b.cells[column])) : rows));
    });
  };

  const prepare = table => {
    const [body] = table.tBodies;
    const head = table.tHead?.rows;
    if (!body || head?.length !== 1 || table.querySelector("[colspan]:not([colspan='1']), [rowspan]:not([rowspan='1'])")) return;
    const headers = [...head[0].cells];
    const rows = [...body.rows];
    if (rows.some(row => row.cells.length !== headers.length)) return;
    // A row without a name belongs to the row above it, and one that sums up belongs to the end: such tables keep their order.
    const sorts = rows.length > 2 && !table.classList.contains("no-sort") && rows.every(row => !["", "mean", "SD"].includes(text(row.cells[0])));
    headers.forEach((header, column) => {
      const cells = rows.map(row => row.cells[column]);
      const numeric = isNumeric(cells);
      // On a phone sentences wrap, while names and numbers stay on one line; long headers take few lines (style.css).
      if (text(header).length > 16) header.classList.add("long");
      cells.filter(cell => text(cell).length > 26).forEach(cell => cell.classList.add("sentence"));
      if (numeric) [header, ...cells].forEach(cell => cell.classList.add("number"));
      if (sorts && text(header) && !header.querySelector("a, button")) makeSortable(body, rows, headers, column, numeric);
    });
  };

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("article table").forEach(prepare));
})();

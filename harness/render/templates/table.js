(() => {
  const section = document.getElementById("table");
  const matrix = document.getElementById("matrix");
  const unfoldAll = root => root.querySelectorAll("button.unfold").forEach(button => button.click());

  // One table to sort and to filter: the parts that waited are put behind the first.
  const first = section.querySelector("table.all");
  const whole = () => {
    unfoldAll(section);
    for (const table of [...section.querySelectorAll("table.all")].slice(1)) {
      first.tBodies[0].append(...table.tBodies[0].rows);
      table.closest(".scroll").remove();
    }
    return first.tBodies[0];
  };

  const named = 4;
  const numberAt = (row, column) => {
    const text = row.dataset.n?.split(" ")[column - named];
    return text === undefined || text === "-" ? null : Number(text);
  };
  const textAt = (row, column) => row.cells[column]?.textContent ?? "";
  const heads = [...first.tHead.rows[0].cells];
  const order = [];
  const sort = (head, column) => {
    const down = head.getAttribute("aria-sort") === "ascending";
    const body = whole();
    if (!order.length) order.push(...body.rows);
    for (const other of heads) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const turn = down ? -1 : 1;
    const keyed = [...order].map((row, place) => ({ row, place, key: column < named ? textAt(row, column) : numberAt(row, column) }));
    keyed.sort((a, b) => {
      if (a.key === null || b.key === null) return (a.key === null) - (b.key === null) || a.place - b.place;
      const apart = typeof a.key === "number" ? a.key - b.key : a.key.localeCompare(b.key, "en", { numeric: true });
      return turn * apart || a.place - b.place;
    });
    body.append(...keyed.map(one => one.row));
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => sort(head, column));
  });

  // One filter for matrix and table: a word of the legend, and what is typed; the chips say so and take it away.
  const field = matrix.querySelector(".sift input");
  const links = [...document.querySelectorAll('a[href^="#f="]')];
  const words = new Map([...matrix.querySelectorAll(".legend a")].map(link => [link.hash.slice(3), link.textContent.trim()]));
  let kind = "";
  const matches = (text, is) => (!kind || is === `v-${kind}`) && field.value.toLowerCase().split(/\s+/).every(part => text.includes(part));
  const apply = () => {
    const active = Boolean(kind || field.value.trim());
    if (active) { whole(); unfoldAll(matrix); }
    let count = 0;
    const rows = [...first.tBodies[0].rows];
    for (const row of rows) {
      const text = [0, 1, 2].map(column => textAt(row, column)).join(" ").toLowerCase();
      row.hidden = active && !matches(text, row.className || first.dataset.usual);
      count += !row.hidden;
    }
    for (const table of matrix.querySelectorAll("table")) {
      const device = table.tHead.querySelector("bdi").textContent;
      const names = [...table.tHead.rows[0].cells].map(cell => cell.textContent);
      let any = false;
      for (const row of table.tBodies[0].rows) {
        let kept = false;
        for (const spot of [...row.cells].slice(1)) {
          const text = `${row.cells[0].textContent} ${names[spot.cellIndex]} ${device}`.toLowerCase();
          const out = active && !(matches(text, spot.classList[0]) && !spot.classList.contains("unasked"));
          spot.classList.toggle("out", out);
          kept ||= !out;
        }
        row.hidden = !kept;
        any ||= kept;
      }
      table.closest(".scroll").hidden = !any;
    }
    for (const link of links) link.hash === `#f=${kind}` && kind ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current");
    for (const chip of [matrix, section].map(one => one.querySelector(".chip-of-filter"))) {
      chip.hidden = !active;
      chip.replaceChildren();
      if (!active) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = `${[kind && (words.get(kind) ?? kind), field.value.trim()].filter(Boolean).join(", ")} ✕`;
      button.setAttribute("aria-label", `Remove the filter ${button.textContent.slice(0, -2)}`);
      button.addEventListener("click", clear);
      chip.append(button, `${count} of ${rows.length} cells are shown`);
    }
  };
  const clear = () => {
    field.value = "";
    kind = "";
    if (location.hash.startsWith("#f=")) history.replaceState(null, "", "#matrix");
    apply();
    field.focus({ preventScroll: true });
  };
  const follow = () => {
    if (location.hash.startsWith("#f=")) {
      kind = location.hash.slice(3);
      apply();
      matrix.scrollIntoView();
    } else if (document.querySelector("tr:target")?.hidden) {
      // A link to a line that the filter hides: the filter goes, or the link would lead nowhere.
      field.value = kind = "";
      apply();
      document.querySelector("tr:target").scrollIntoView();
    }
  };
  field.parentElement.hidden = false;
  field.addEventListener("input", apply);
  addEventListener("hashchange", follow);
  for (const link of links) link.addEventListener("click", () => { if (link.hash === location.hash) follow(); });
  follow();
})();

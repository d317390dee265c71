"use strict";
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const drawings = read("figure-data");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const coarse = matchMedia("(pointer: coarse)");
  const NARROW = 560;
  const PRINT_WIDTH = 680;
  const drawn = new Set();

  // The look of the page's theme, and what a narrow screen needs: smaller type and margins.
  function layoutFor(id, width, theme) {
    const layout = structuredClone(drawings.figures[id].layout);
    layout.template = structuredClone(drawings.templates[theme]);
    layout.template.layout.paper_bgcolor = layout.template.layout.plot_bgcolor = "rgba(0,0,0,0)";
    layout.modebar = { bgcolor: "rgba(0,0,0,0)", color: "rgba(128,128,128,.55)", activecolor: "rgb(128,128,128)" };
    layout.dragmode = coarse.matches ? false : "zoom";
    layout.width = width;
    if (width < NARROW) {
      layout.template.layout.font.size = 11;
      layout.template.layout.annotationdefaults.font.size = 9;
      layout.margin = { ...layout.margin, l: Math.min(layout.margin.l, 52), r: Math.min(layout.margin.r, 132) };
      if (layout.margin.r <= 24) layout.margin.r = 10;
      const axis = layout.xaxis;
      if (axis.type === "log") axis.title.standoff = 27;
      if (axis.ticktext && axis.ticktext.length > 4) {
        axis.tickvals = axis.tickvals.filter((_, k) => k % 2 === 0);
        axis.ticktext = axis.ticktext.filter((_, k) => k % 2 === 0);
      }
    }
    return layout;
  }

  function draw(element, width, theme) {
    const config = { displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"] };
    Plotly.react(element, drawings.figures[element.id].data, layoutFor(element.id, width, theme), config);
    drawn.add(element);
  }

  const plots = [...document.querySelectorAll(".plot")];
  const themeNow = () => (dark.matches ? "dark" : "light");
  const drawNow = (element) => draw(element, element.clientWidth, themeNow());
  const near = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (!entry.isIntersecting || drawn.has(entry.target)) continue;
        near.unobserve(entry.target);
        drawNow(entry.target);
      }
    },
    { rootMargin: "900px 0px" }
  );
  plots.forEach((element) => near.observe(element));

  let waiting = 0;
  let lastWidth = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === lastWidth) return;
    lastWidth = innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(() => drawn.forEach(drawNow), 120);
  });
  dark.addEventListener("change", () => drawn.forEach(drawNow));
  addEventListener("beforeprint", () => plots.forEach((element) => draw(element, PRINT_WIDTH, "light")));
  addEventListener("afterprint", () => drawn.forEach(drawNow));

  // The coefficient table: text goes in as text, never as markup.
  const table = read("coefficient-data");
  const holder = document.getElementById("coefficient-table");
  if (!holder || !table.names.length) return;
  const control = (id) => document.getElementById(id);
  const head = holder.querySelector("thead tr");
  const body = holder.querySelector("tbody");
  const STEP = 40;
  const state = { sort: "size", descending: true, limit: STEP };

  control("rule").value = table.rule;
  table.classes.forEach((name, k) => {
    const option = document.createElement("option");
    option.value = String(k);
    option.textContent = name;
    control("class").append(option);
  });
  control("class-choice").hidden = table.classes.length === 0;
  holder.hidden = false;

  const fitsShown = () => table.fits.filter((fit) => fit.rule === "" || fit.rule === control("rule").value);
  const values = (fit) => fit.coef[table.classes.length ? Number(control("class").value) : 0];
  const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
  const shown = (value) =>
    value === 0 ? "0" : Math.abs(value) >= 1e6 || Math.abs(value) < 1e-4 ? value.toExponential(3) : number.format(value);

  function rowsShown(fits) {
    const wanted = control("find").value.trim().toLowerCase();
    const unit = (value, j) => (control("unit").value === "column" ? value / table.scale[j] : value);
    const selecting = fits.filter((fit) => fit.name === "L1" || fit.name === "elastic net");
    const rows = [];
    table.names.forEach((name, j) => {
      if (wanted && !name.toLowerCase().includes(wanted)) return;
      if (control("used").checked && !selecting.some((fit) => fit.coef.some((row) => row[j] !== 0))) return;
      rows.push({ name, j, cells: fits.map((fit) => unit(values(fit)[j], j)) });
    });
    if (state.sort === "name") rows.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
    else if (state.sort !== "size") {
      const at = fits.findIndex((fit) => fit.name === state.sort);
      rows.sort((a, b) => Math.abs(a.cells[at]) - Math.abs(b.cells[at]));
    }
    if (state.sort === "size" ? !state.descending : state.sort === "name" ? state.descending : state.descending) rows.reverse();
    return rows;
  }

  function heading(key, text) {
    const cell = document.createElement("th");
    cell.scope = "col";
    if (state.sort === key) cell.setAttribute("aria-sort", state.descending ? "descending" : "ascending");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = text;
    button.addEventListener("click", () => {
      const again = state.sort === key;
      state.descending = again ? !state.descending : key !== "name";
      state.sort = key;
      show();
    });
    cell.append(button);
    return cell;
  }

  function show() {
    const fits = fitsShown();
    const rows = rowsShown(fits);
    head.replaceChildren(heading("name", "feature"), ...fits.map((fit) => heading(fit.name, fit.name)));
    body.replaceChildren(
      ...rows.slice(0, state.limit).map((row) => {
        const line = document.createElement("tr");
        const name = document.createElement("th");
        name.scope = "row";
        name.textContent = row.name;
        line.append(name);
        row.cells.forEach((value) => {
          const cell = document.createElement("td");
          cell.textContent = shown(value);
          if (value === 0) cell.className = "zero";
          line.append(cell);
        });
        return line;
      })
    );
    const count = Math.min(state.limit, rows.length);
    const cut = table.names.length < table.total ? `, the strongest ${table.names.length.toLocaleString("en")} are in this page` : "";
    control("shown").textContent =
      `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")} matching features shown (${table.total.toLocaleString("en")} in all${cut}).`;
    control("more").hidden = rows.length <= state.limit;
  }

  ["find", "rule", "unit", "class", "used"].forEach((id) => control(id).addEventListener("input", () => { state.limit = STEP; show(); }));
  control("more").addEventListener("click", () => { state.limit += 5 * STEP; show(); });
  holder.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  show();
})();

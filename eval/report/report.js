"use strict";
(() => {
  const report = JSON.parse(document.getElementById("document").textContent);
  const modes = ["both", "harmonic", "percussive"];
  const printedWidth = 700; // of a drawing, in CSS pixels

  // ---- Tables. ----

  // Numbers of a cell before its text; null where there is neither.
  function keyOf(cell) {
    const number = cell.querySelector("[data-value]");
    if (number) return Number(number.dataset.value);
    if (cell.classList.contains("number")) return null;
    return cell.textContent.trim().toLowerCase() || null;
  }

  function compareKeys(x, y) {
    return typeof x === "number" ? x - y : x.localeCompare(y);
  }

  // Numbers start with the highest, texts with the first; a third click brings the first order back.
  function sortBy(table, header) {
    const column = header.cellIndex;
    const orders = header.classList.contains("number")
      ? ["none", "descending", "ascending"] : ["none", "ascending", "descending"];
    const order = orders[(orders.indexOf(header.getAttribute("aria-sort")) + 1) % 3];
    for (const other of header.parentNode.cells) other.setAttribute("aria-sort", "none");
    header.setAttribute("aria-sort", order);
    const sign = order === "descending" ? -1 : 1;
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => ({
      row, place: Number(row.dataset.place), key: order === "none" ? null : keyOf(row.cells[column]),
    }));
    rows.sort((x, y) => {
      if (x.key === null || y.key === null) return (x.key === null) - (y.key === null) || x.place - y.place;
      return sign * compareKeys(x.key, y.key) || x.place - y.place;
    });
    body.append(...rows.map(({ row }) => row));
  }

  for (const table of document.querySelectorAll("table.sorts")) {
    [...table.tBodies[0].rows].forEach((row, place) => { row.dataset.place = place; });
    for (const header of table.tHead.rows[0].cells) {
      // Chromium leaves real buttons out of the headers that it repeats on printed pages.
      const button = document.createElement("span");
      button.tabIndex = 0;
      button.setAttribute("role", "button");
      button.append(...header.childNodes);
      button.addEventListener("click", () => sortBy(table, header));
      button.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        sortBy(table, header);
      });
      header.append(button);
    }
  }

  // ---- Drawing. ----

  function element(name, attributes, ...children) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  // Round numbers from low to high, about `count` of them.
  function ticksOf(low, high, count) {
    const rough = (high - low) / Math.max(1, count);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
    const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const ticks = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; ++k) {
      ticks.push({ value: k * step, text: (k * step).toFixed(decimals) });
    }
    return ticks;
  }

  // Some room beyond all values, also where they are one.
  function rangeOf(values) {
    const low = Math.min(...values), high = Math.max(...values);
    const room = high > low ? 0.08 * (high - low) : Math.max(1e-6, 0.1 * Math.abs(high));
    return [low - room, high + room];
  }

  function scaleOf([low, high], start, end) {
    return (value) => start + (value - low) / (high - low) * (end - start);
  }

  function line(x1, y1, x2, y2, style) {
    return element("line", { x1, y1, x2, y2, class: style });
  }

  function text(x, y, content, attributes = {}) {
    return element("text", { x, y, ...attributes }, content);
  }

  function drawing(width, height, label) {
    return element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  }

  // Cuts a text that stands in the page already, with its whole length as a tooltip.
  function fit(label, width) {
    const whole = label.textContent, characters = [...whole];
    while (characters.length > 1 && label.getComputedTextLength() > width) {
      characters.pop();
      label.textContent = `${characters.join("")}\u2026`;
    }
    if (label.textContent !== whole) label.append(element("title", {}, whole));
  }

  // The ticks of a horizontal axis with its name beneath; grid lines go up to `top`.
  function horizontalAxis(svg, x, range, top, bottom, name) {
    const [start, end] = range.map(x);
    for (const tick of ticksOf(range[0], range[1], (end - start) / 70)) {
      svg.append(line(x(tick.value), top, x(tick.value), bottom + 4, "grid"),
        text(x(tick.value), bottom + 17, tick.text, { class: "quiet", "text-anchor": "middle" }));
    }
    svg.append(line(start, bottom, end, bottom, "axis"),
      text((start + end) / 2, bottom + 34, name, { "text-anchor": "middle" }));
  }

  // ---- Scores over time. ----

  function pointsOf(index) {
    const curve = report.scores[index].curve;
    const middle = (report.window_seconds ?? 0) / 2;
    return modes.filter((mode) => curve[mode]).map((mode) => ({
      mode,
      points: curve.start_seconds.map((start, i) => ({
        path: `/scores/${index}/curve/${mode}/${i}`, seconds: start + middle, score: curve[mode][i],
      })),
    })).filter(({ points }) => points.some(({ score }) => score !== null));
  }

  function drawCurve(svg, { mode, points }, x, y) {
    let path = "", isDown = false;
    const known = points.filter(({ score }) => score !== null);
    for (const { seconds, score } of points) {
      if (score !== null) path += `${isDown ? "L" : "M"}${x(seconds).toFixed(2)} ${y(score).toFixed(2)}`;
      isDown = score !== null;
    }
    svg.append(element("path", { d: path, class: mode }));
    for (const { path: place, seconds, score } of known) {
      svg.append(element("circle", {
        cx: x(seconds).toFixed(2), cy: y(score).toFixed(2), r: known.length > 60 ? 1.2 : 2.6, class: mode,
        "data-path": place, "data-value": score,
      }, element("title", {}, `${mode} ${score.toFixed(4)} at ${seconds.toFixed(2)} s`)));
    }
  }

  function drawLegend(svg, curves, left) {
    let start = left;
    for (const { mode } of curves) {
      svg.append(element("path", { d: `M${start} 12h22`, class: mode }), text(start + 27, 16, mode));
      start += 27 + 7 * mode.length + 18;
    }
  }

  // Pictures under the curve, on its time axis. Returns where they end.
  function drawPictures(svg, section, x, top) {
    const pictures = section.querySelector(".spectrograms");
    if (!pictures) return top;
    pictures.hidden = true;
    const end = x(Number(pictures.dataset.seconds));
    let bottom = top;
    for (const figure of pictures.children) {
      const image = figure.querySelector("img");
      svg.append(text(x(0), bottom + 16, figure.querySelector("figcaption").textContent, { class: "quiet" }),
        element("image", {
          x: x(0), y: bottom + 21, width: end - x(0), height: 64, href: image.src, preserveAspectRatio: "none",
        }, element("title", {}, image.alt)));
      bottom += 21 + 64;
    }
    return bottom + 6;
  }

  function drawPair(section, width) {
    const chart = section.querySelector(".chart");
    if (!chart) return;
    const index = Number(section.dataset.index);
    const curves = pointsOf(index);
    if (!curves.length) {
      chart.replaceChildren("No window has a score.");
      return;
    }
    const all = curves.flatMap(({ points }) => points);
    const seconds = Number(section.querySelector(".spectrograms")?.dataset.seconds ?? 0);
    const times = [0, Math.max(seconds, ...all.map((p) => p.seconds + (report.window_seconds ?? 0) / 2), 1e-3)];
    const scores = rangeOf(all.map(({ score }) => score).filter((score) => score !== null));
    const left = 58, top = 28, bottom = 220;
    const x = scaleOf(times, left, width - 14), y = scaleOf(scores, bottom, top);
    const pictures = element("g", {});
    const end = drawPictures(pictures, section, x, bottom);
    const svg = drawing(width, end + 42, "Scores over time");
    horizontalAxis(svg, x, times, top, end, "time, s (middles of windows)");
    for (const tick of ticksOf(scores[0], scores[1], 5)) {
      svg.append(line(left, y(tick.value), width - 14, y(tick.value), "grid"),
        text(left - 6, y(tick.value) + 4, tick.text, { class: "quiet", "text-anchor": "end" }));
    }
    svg.append(text(0, 0, "score", { "text-anchor": "middle", transform: `translate(11 ${(top + bottom) / 2}) rotate(-90)` }));
    drawLegend(svg, curves, Math.max(4, Math.min(left, width - 284)));
    for (const curve of [...curves].reverse()) drawCurve(svg, curve, x, y);
    svg.append(pictures);
    chart.replaceChildren(svg);
  }

  // ---- Systems. ----

  function drawSystems(chart, width) {
    const systems = report.comparison.systems;
    const means = systems.map((system) => system.both.mean);
    const range = rangeOf(means.flatMap(({ value, low, high }) => [value, low ?? value, high ?? value]));
    const x = scaleOf(range, 14, width - 14), rowHeight = 40;
    const bottom = systems.length * rowHeight + 4;
    const svg = drawing(width, bottom + 42, "Mean scores of systems with their intervals");
    horizontalAxis(svg, x, range, 0, bottom, "mean score (both), with interval");
    systems.forEach(({ system }, i) => {
      const { value, low, high } = means[i], y = i * rowHeight + 28;
      svg.append(text(14, y - 12, system, { class: "name" }));
      if (low !== null) svg.append(element("path", { d: `M${x(low)} ${y}H${x(high)}`, class: "both" }));
      svg.append(element("circle", {
        cx: x(value), cy: y, r: 4.5, class: "both",
        "data-path": `/comparison/systems/${i}/both/mean/value`, "data-value": value,
      }));
    });
    chart.replaceChildren(svg);
    for (const label of svg.querySelectorAll("text.name")) fit(label, width - 28);
  }

  // ---- The page. ----

  const pairs = [...document.querySelectorAll("details.pair")];
  const systems = document.getElementById("systems");

  // Asked once for each window, not for each drawing: every question makes the page anew.
  function availableWidth() {
    return Math.max(240, document.querySelector("main").clientWidth);
  }
  let shownWidth = availableWidth();

  function drawAll(width) {
    for (const section of pairs) {
      if (section.open) drawPair(section, width);
    }
    if (systems) drawSystems(systems, width);
  }

  function openNamed() {
    const named = document.getElementById(location.hash.slice(1));
    if (named?.matches("details.pair")) named.open = true;
  }

  for (const section of pairs) {
    section.addEventListener("toggle", () => {
      if (section.open) drawPair(section, shownWidth);
    });
  }
  for (const [id, open] of [["open-all", true], ["close-all", false]]) {
    document.getElementById(id).addEventListener("click", () => {
      for (const section of pairs) section.open = open;
    });
  }
  document.querySelector(".controls").hidden = false;
  window.addEventListener("hashchange", openNamed);
  window.addEventListener("beforeprint", () => drawAll(printedWidth));
  window.addEventListener("afterprint", () => drawAll(shownWidth));
  window.addEventListener("resize", () => {
    const width = availableWidth();
    if (width === shownWidth) return;
    shownWidth = width;
    drawAll(shownWidth);
  });
  openNamed();
  drawAll(shownWidth);
})();

// Tables, code and formulas that are wider than the page scroll inside themselves. Whatever scrolls can be reached by
// keyboard and has a name; whatever fits is no stop on the way through the page.
document.addEventListener("DOMContentLoaded", () => {
  const kinds = {
    Code: "pre",
    Table: ".wide-table, .pst-scrollable-table-container, .cell_output, .cell_output > .output, .cell_output .text_html > *, table",
    Formula: "div.math, mjx-container",
  };
  const labelled = new WeakSet();
  let number = 0;
  const scrolls = (box) => {
    if (box.scrollWidth <= box.clientWidth + 1 && box.scrollHeight <= box.clientHeight + 1) return false;
    const style = getComputedStyle(box);
    const wide = box.scrollWidth > box.clientWidth + 1 && /auto|scroll/.test(style.overflowX);
    return wide || (box.scrollHeight > box.clientHeight + 1 && /auto|scroll/.test(style.overflowY));
  };
  const mark = (box, kind) => {
    if (scrolls(box)) {
      if (box.tabIndex !== 0) box.tabIndex = 0;
      if (box.hasAttribute("role") && !labelled.has(box)) return;
      if (!labelled.has(box)) number += 1;
      labelled.add(box);
      box.setAttribute("role", "region");
      if (!box.hasAttribute("aria-label")) box.setAttribute("aria-label", `${kind} ${number}, scrolls sideways`);
    } else if (labelled.has(box)) {
      labelled.delete(box);
      for (const name of ["role", "aria-label", "tabindex"]) box.removeAttribute(name);
    }
  };
  const boxes = Object.entries(kinds).flatMap(([kind, selector]) =>
    [...document.querySelectorAll(selector)].filter((box) => box.closest("article")).map((box) => [box, kind])
  );
  const update = () => boxes.forEach(([box, kind]) => mark(box, kind));
  new ResizeObserver(update).observe(document.querySelector("article") || document.body);
  document.addEventListener("toggle", update, true);
  window.addEventListener("load", update);
  update();
});

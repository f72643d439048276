// The filters of the ledger: paper, outcome, kind of evidence. Without JavaScript the whole table is shown.
document.addEventListener("DOMContentLoaded", () => {
  const table = document.getElementById("ledger");
  if (!table) return;
  const rows = Array.from(table.tBodies[0].rows);
  const filters = [
    ["paper", "Paper"],
    ["outcome", "Outcome"],
    ["evidence", "Data"],
  ];
  const bar = document.createElement("div");
  bar.className = "ledger-filters";
  const count = document.createElement("p");
  count.setAttribute("role", "status");
  const selects = filters.map(([key, label]) => {
    const values = new Set(rows.flatMap((row) => row.dataset[key].split(",")).filter(Boolean));
    const select = document.createElement("select");
    select.id = `ledger-filter-${key}`;
    for (const value of ["", ...values]) {
      const option = document.createElement("option");
      option.value = value;
      option.textContent = value || "all";
      select.append(option);
    }
    const name = document.createElement("label");
    name.htmlFor = select.id;
    name.textContent = label;
    bar.append(name, select);
    select.addEventListener("change", update);
    return select;
  });
  function update() {
    let shown = 0;
    for (const row of rows) {
      const matches = filters.every(([key], i) => !selects[i].value || row.dataset[key].split(",").includes(selects[i].value));
      row.hidden = !matches;
      shown += matches;
    }
    count.textContent = `${shown} of ${rows.length} claims`;
  }
  bar.append(count);
  table.parentElement.before(bar);
  update();
});

// A tap on a figure enlarges it: over the page, as SVG where there is one, at least as wide as it was drawn. Escape,
// the button or a tap beside the figure closes it, and the focus returns to where it was.
document.addEventListener("DOMContentLoaded", () => {
  const article = document.querySelector("article");
  if (!article || !window.HTMLDialogElement) return;
  const isPicture = (link) => /\.(svg|png|webp|jpe?g)([?#].*)?$/.test(link.getAttribute("href") || "");
  let dialog, picture;
  const build = () => {
    dialog = document.createElement("dialog");
    dialog.className = "enlarged";
    dialog.setAttribute("aria-label", "Enlarged figure");
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "Close";
    const room = document.createElement("div");
    room.tabIndex = 0;
    room.setAttribute("role", "region");
    room.setAttribute("aria-label", "Figure, scrolls");
    picture = document.createElement("img");
    room.append(picture);
    dialog.append(close, room);
    close.addEventListener("click", () => dialog.close());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target === room) dialog.close();
    });
    dialog.addEventListener("close", () => picture.removeAttribute("src"));
    document.body.append(dialog);
  };
  const enlarge = (source, address) => {
    if (!dialog) build();
    picture.alt = source.alt;
    picture.style.setProperty("--drawn", `${source.getAttribute("width") || source.naturalWidth}px`);
    picture.style.setProperty("--shape", `${source.naturalWidth} / ${source.naturalHeight}`);
    picture.src = address;
    dialog.showModal();
  };
  for (const link of article.querySelectorAll("a:has(> img)")) {
    if (!isPicture(link) || link.textContent.trim()) continue;
    link.setAttribute("aria-haspopup", "dialog");
    link.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      enlarge(link.querySelector("img"), link.href);
    });
  }
  for (const control of article.querySelectorAll(".kwm-frames .kwm-control")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "kwm-enlarge";
    button.textContent = "Enlarge";
    const shown = () => control.closest(".kwm-frames").querySelector(".kwm-shown img");
    button.addEventListener("click", () => enlarge(shown(), shown().currentSrc || shown().src));
    control.append(button);
  }
});

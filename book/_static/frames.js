// The frames of sliders are files of their own. They are fetched when a reader comes near the control, so that the
// picture follows the hand, and before printing. Without this script the browser fetches each frame when it is shown.
(() => {
  const fetchFrames = (box) => {
    for (const picture of box.querySelectorAll("img[loading=lazy]")) picture.loading = "eager";
  };
  const near = (event) => {
    const box = event.target.closest && event.target.closest(".kwm-frames");
    if (box) fetchFrames(box);
  };
  for (const kind of ["pointerover", "touchstart", "focusin"]) {
    document.addEventListener(kind, near, { passive: true });
  }
  window.addEventListener("beforeprint", () => document.querySelectorAll("article img").forEach((p) => (p.loading = "eager")));
})();

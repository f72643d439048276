// The page "Try it": the playground's script is loaded where it was built; else the page says that it was not.
(() => {
  const { src } = document.currentScript;
  document.addEventListener("DOMContentLoaded", () => {
    const place = document.getElementById("playground");
    if (!place) return;
    const script = document.createElement("script");
    script.src = new URL("playground/playground.js", src).href;
    script.onerror = () => {
      const note = document.createElement("p");
      note.setAttribute("role", "status");
      note.textContent = "This copy of the book was built without the parts that run in a browser: this is an example.";
      place.append(note);
    };
    document.head.append(script);
  });
})();

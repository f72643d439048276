// Slides: each fits 1280 × 720 px, and sliders keep their keys while a remote control still turns the pages.
"use strict";

const PICTURES = { least: 0.75, most: 2.0 };  // of the size in the chapter; the files have two pixels for one
const WORDS = [1, 0.93, 0.86, 0.79, 0.72];
const LARGER = [1.2, 1.1];  // for slides without pictures

function fits(slide) {
  const body = slide.querySelector(".body");
  const room = body.getBoundingClientRect();
  const inside = [...body.querySelectorAll("*")].filter((part) => !part.closest("mjx-assistive-mml, .kwm-frame figcaption"));
  return body.scrollHeight <= body.clientHeight && body.scrollWidth <= body.clientWidth &&
    inside.every((part) => {
      const box = part.getBoundingClientRect();
      return !box.width || (box.left >= room.left - 1 && box.right <= room.right + 1);
    });
}

function fit(slide) {
  const images = [...slide.querySelectorAll("figure > img")];
  images.forEach((image) => image.style.setProperty("--natural", image.getAttribute("width") || 600));
  const set = (words, pictures) => {
    slide.style.setProperty("--words", words);
    slide.style.setProperty("--pictures", pictures);
  };
  const plain = !images.length && !slide.classList.contains("opening");
  for (const least of images.length ? [1.1, PICTURES.least] : [1]) {
    for (const words of plain ? [...LARGER, ...WORDS] : WORDS) {
      set(words, least);
      if (!fits(slide)) continue;
      if (!images.length) return;
      let [low, high] = [least, PICTURES.most];
      for (let round = 0; round < 8; round++) {
        const middle = (low + high) / 2;
        set(words, middle);
        if (fits(slide)) low = middle; else high = middle;
      }
      set(words, 0.99 * low);  // a pixel is rounded otherwise when the slide is scaled
      return;
    }
  }
  console.error(`the slide “${slide.querySelector("h1, h2").textContent}” does not fit`);
}

function onControl(event) {
  const control = event.target.closest && event.target.closest(".kwm-control input, .kwm-control select");
  if (!control) return;
  const turns = { PageDown: "next", PageUp: "prev", " ": "next", Escape: "stay", Enter: "stay" };
  const turn = control.matches("select") && event.key === " " ? undefined : turns[event.key];
  if (!turn) return;
  event.preventDefault();
  event.stopPropagation();
  control.blur();
  if (turn !== "stay") Reveal[turn]();
}

async function start() {
  if (window.MathJax && MathJax.startup) await MathJax.startup.promise;
  await Promise.all([...document.fonts].map((font) => font.load()));  // a formula's height is that of its font
  const main = document.querySelector(".reveal");
  main.querySelectorAll(".kwm-control").forEach((control) => control.setAttribute("data-prevent-swipe", ""));
  main.querySelectorAll(".slides > section").forEach(fit);
  main.classList.remove("measured");
  document.addEventListener("keydown", onControl, true);
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, minScale: 0.1, maxScale: 4, center: false, display: "flex", hash: true,
    transition: "none", slideNumber: "c/t", plugins: [RevealNotes],
    keyboardCondition: () => !document.activeElement.matches("select, input"),
  });
  document.documentElement.dataset.ready = "";
}

start();

// "Test yourself": the options of each question become buttons, and the solution's item answers the one that is pressed.
// The sources stay plain lists (/book/*.md, exercises whose label ends in -test), which print, JupyterLab and readers
// without JavaScript see as they are.
(() => {
  const children = (parent, name) => Array.from(parent?.children ?? []).filter((child) => child.localName === name);
  const make = (name, className, text = "") => Object.assign(document.createElement(name), { className, textContent: text });
  const items = (block) => children(block?.querySelector(":scope > section > ol, :scope > ol"), "li");
  const letterOf = (item) => item?.querySelector("strong")?.textContent.trim().replace(/\.$/, "") ?? "";
  const REMAINING = ["", "One is left. Can you say why it is right?", "Two are left.", "Three are left."];

  function solutionOf(exercise) {
    const titles = Array.from(document.querySelectorAll(".solution > .admonition-title a[href]"));
    return titles.find((link) => link.hash === `#${exercise.id}`)?.closest(".solution");
  }

  // The answer without its letter: "c. Both cost the same. …" becomes "Both cost the same. …".
  function explanationOf(solution) {
    const copy = solution.cloneNode(true);
    copy.querySelector("strong").remove();
    for (const element of copy.querySelectorAll("[id]")) element.removeAttribute("id");
    if (children(copy, "p").length) return Array.from(copy.childNodes);
    const paragraph = make("p", "");
    paragraph.append(...copy.childNodes);
    return [paragraph];
  }

  function optionButton(item) {
    const button = make("button", "quiz-option");
    button.type = "button";
    const paragraphs = children(item, "p");
    for (const paragraph of paragraphs.length ? paragraphs : [item]) {
      button.append(...paragraph.childNodes);
      if (paragraph !== item) paragraph.remove();
    }
    const mark = make("span", "quiz-mark");
    mark.setAttribute("aria-hidden", "true");
    button.append(mark);
    item.prepend(button);
    return { button, mark, letter: letterOf(button) };
  }

  function question(item, solution, name, changed) {
    const list = children(item, "ul")[0];
    const right = letterOf(solution);
    if (!list || !children(list, "li").some((option) => letterOf(option) === right)) return null;
    const text = children(item, "p")[0];
    if (text) text.id = `${name}-question`;
    const group = make("div", "quiz-options");
    group.setAttribute("role", "group");
    group.setAttribute("aria-labelledby", `${name}-question`);
    list.before(group);
    group.append(list);
    const options = children(list, "li").map(optionButton);
    const answer = make("div", "quiz-answer");
    answer.setAttribute("role", "status");
    answer.setAttribute("aria-live", "polite");
    group.after(answer);
    const state = { tries: 0, solved: false, clear };

    function clear() {
      Object.assign(state, { tries: 0, solved: false });
      answer.className = "quiz-answer";
      answer.replaceChildren();
      for (const { button, mark } of options) {
        button.classList.remove("quiz-right", "quiz-wrong");
        button.removeAttribute("aria-disabled");
        mark.textContent = "";
      }
    }

    function choose({ button, mark, letter }) {
      if (button.getAttribute("aria-disabled")) return;
      state.tries += 1;
      state.solved = letter === right;
      button.classList.add(state.solved ? "quiz-right" : "quiz-wrong");
      mark.textContent = state.solved ? "✓" : "✗";
      for (const each of state.solved ? options : [{ button }]) each.button.setAttribute("aria-disabled", "true");
      answer.className = `quiz-answer ${state.solved ? "quiz-answer-right" : "quiz-answer-wrong"}`;
      if (state.solved) {
        answer.replaceChildren(make("strong", "", "Right."), ...explanationOf(solution));
      } else {
        const left = options.filter((each) => !each.button.getAttribute("aria-disabled")).length;
        answer.replaceChildren(make("strong", "", "Not this one."), ` ${REMAINING[left] ?? ""}`);
      }
      changed();
    }

    for (const option of options) option.button.addEventListener("click", () => choose(option));
    return state;
  }

  function quiz(exercise) {
    const solutions = items(solutionOf(exercise));
    const questions = items(exercise).map((item, index) =>
      question(item, solutions[index], `${exercise.id}-${index + 1}`, update),
    );
    const asked = questions.filter(Boolean);
    if (!asked.length) return;
    const bar = make("div", "quiz-bar");
    const count = make("p", "quiz-count");
    count.setAttribute("role", "status");
    const again = make("button", "quiz-again", "Start again");
    again.type = "button";
    again.hidden = true;
    again.addEventListener("click", () => {
      for (const each of asked) each.clear();
      update();
      exercise.querySelector(".quiz-option").focus();
    });
    bar.append(count, again);
    exercise.append(bar);
    exercise.classList.add("quiz");
    keepMathOutOfTheTabOrder(exercise);
    update();

    function update() {
      const solved = asked.filter((each) => each.solved);
      const first = solved.filter((each) => each.tries === 1).length;
      const end = solved.length === asked.length ? `, ${first} at the first try` : "";
      count.textContent = `${solved.length} of ${asked.length} right${end}`;
      again.hidden = asked.every((each) => !each.tries);
    }
  }

  // A formula can be focused for its menu, which a button must not contain.
  function keepMathOutOfTheTabOrder(exercise) {
    const strip = () => {
      for (const math of exercise.querySelectorAll("button [tabindex]")) math.removeAttribute("tabindex");
    };
    new MutationObserver(strip).observe(exercise, { attributeFilter: ["tabindex"], childList: true, subtree: true });
    strip();
  }

  const start = () => document.querySelectorAll('.exercise[id$="-test"]').forEach(quiz);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();

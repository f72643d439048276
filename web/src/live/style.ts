/** The style of live controls. */
export const STYLE = `
@media screen {
  .kwm-is-live > .kwm-stage, .kwm-is-live > .kwm-control, .kwm-is-live > .kwm-card, .kwm-is-live > .kwm-enlarge { display: none !important }
}
@media print { .kwm-live-panel { display: none } }
.kwm-is-live.kwm-game { display: block }
.kwm-live-pictures { display: grid; grid-template-columns: repeat(var(--columns), minmax(0, 1fr)); gap: .4em .5em; max-width: min(100%, var(--most)) }
.kwm-live-pictures figure { margin: 0 !important; padding: 0 !important; display: flex; flex-direction: column; justify-content: flex-end; min-width: 0 }
.kwm-live-pictures figcaption { font-size: .85em; line-height: 1.25; text-align: center; white-space: pre-line; padding: 0 0 .2em; margin: 0 !important }
.kwm-live-pictures canvas { display: block; width: 100%; height: auto; image-rendering: pixelated; border-radius: 2px }
.kwm-live-pictures:has(.kwm-live-curves) { grid-template-columns: minmax(0, 1fr) minmax(0, 1.7fr); align-items: end }
.kwm-live-curves { width: 100%; height: auto; font-size: 11px }
.kwm-live-curves text { fill: currentColor }
.kwm-live-note { margin: .4em 0 0 !important; min-height: 1.5em; font-variant-numeric: tabular-nums; font-size: .9em }
.kwm-live-note:empty { display: none }
.kwm-live-buttons { display: flex; flex-wrap: wrap; gap: .5em; margin-top: .5em }
.kwm-live-panel .kwm-control > label { min-width: 5em }
@media (max-width: 600px) {
  .kwm-live-pictures figcaption { font-size: .68em }
  .kwm-live-panel .kwm-control > label { min-width: 0 }
  .kwm-live-panel .kwm-control > input { flex-basis: 8em }
}
.kwm-live:disabled { opacity: .6; cursor: default }
.kwm-live:focus-visible { outline: 3px solid #e69f00; outline-offset: 2px }
`

/** Add the style to the page, once. A sheet of a script is allowed by the strictest policy. */
export function addStyle(): void {
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(STYLE)
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet]
}

/** The address of the folder that a bundle was loaded from, with a slash at the end. Read it while the script runs. */
export function folderOfScript(): string {
  const script = document.currentScript
  if (!(script instanceof HTMLScriptElement)) throw new Error('the folder is known only while the script runs')
  return new URL('.', script.src).href
}

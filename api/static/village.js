// The page of a commune: the figures of sales come after it, so that no search engine keeps them.
// Without this script, or when it fails, a plain link leads to the same figures.

const place = document.querySelector("[data-part]");
if (place) load(place);

/** Put the part that an element names in its place. */
async function load(element) {
  element.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(element.dataset.part);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    element.replaceChildren(...page.body.children);
  } catch {
    const word = Object.assign(document.createElement("p"), { textContent: element.dataset.failed });
    word.className = "why";
    word.setAttribute("role", "status");
    element.append(word);
  } finally {
    element.removeAttribute("aria-busy");
  }
}

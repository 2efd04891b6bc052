// Beside the list: why a village is where it is, in a dialog, and villages picked to be compared.
// Without this script both are ordinary pages.

const MOST = 4;

/**
 * Open answers over the page.
 * @param words texts of the page's language
 * @param onTrouble called with a sentence when an answer cannot be had
 */
export function createDialog(words, onTrouble) {
  const dialog = document.getElementById("sheet");
  const body = document.getElementById("sheet-body");
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  /** Show the answer of an address of the kind /why?… */
  return async function open(address) {
    body.replaceChildren(Object.assign(document.createElement("p"), { textContent: words.why_wait }));
    dialog.showModal();
    try {
      const answer = await fetch(`/fragments${address}`);
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      body.innerHTML = await answer.text();
    } catch {
      dialog.close();
      onTrouble(words.live_failed);
      return;
    }
    dialog.scrollTop = 0;
    body.querySelector("h2")?.focus({ preventScroll: true });
  };
}

/**
 * Keep the villages picked for a comparison while the list changes.
 * @param results element that holds the list
 * @param words texts of the page's language
 */
export function createPicks(results, words) {
  const picked = new Set();
  const boxes = () => [...results.querySelectorAll('input[name="village"]')];

  function settle() {
    const bar = results.querySelector(".compare-bar");
    if (!bar) return;
    const here = boxes();
    for (const box of here) {
      box.checked = picked.has(box.value);
      box.disabled = !box.checked && picked.size >= MOST;
    }
    for (const kept of bar.querySelectorAll("input[data-kept]")) kept.remove();
    const shown = new Set(here.map((box) => box.value));
    for (const code of picked) {
      if (shown.has(code)) continue; // picked, and gone from the list since: still to be compared
      const kept = Object.assign(document.createElement("input"), { type: "hidden", name: "village", value: code });
      kept.dataset.kept = "";
      bar.prepend(kept);
    }
    bar.classList.toggle("is-on", picked.size > 0);
    bar.querySelector("button").disabled = picked.size < 2;
    bar.querySelector(".compare-count").textContent =
      picked.size < 2 ? words.compare_one_more : words.compare_ready.replace("{n}", picked.size);
  }

  results.addEventListener("change", (event) => {
    if (event.target.name !== "village") return;
    if (event.target.checked) picked.add(event.target.value);
    else picked.delete(event.target.value);
    settle();
  });
  for (const box of boxes()) if (box.checked) picked.add(box.value);
  settle();
  return { settle };
}

// Beside the list: why a village is where it is, in a dialog, and villages picked to be compared or
// printed.
// Without this script both are ordinary pages.

const MOST = 8;
const MOST_COMPARED = 4;

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
 * Keep the picked villages while the list changes, here and in the address.
 * @param results element that holds the list
 * @param words texts of the page's language
 * @param onChange called when one is picked or no longer is
 */
export function createPicks(results, words, onChange) {
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
    bar.querySelector("[data-compare]").disabled = picked.size < 2 || picked.size > MOST_COMPARED;
    const said =
      picked.size < 2 ? words.compare_one_more
      : picked.size <= MOST_COMPARED ? words.compare_ready
      : picked.size < MOST ? words.compare_print_only
      : words.compare_no_more;
    bar.querySelector(".compare-count").textContent = said.replace("{n}", picked.size);
    for (const link of results.querySelectorAll("a.with-picks")) link.search = address(link.search.slice(1));
  }

  /** Put the picked villages into a query string, in place of those that it names. */
  function address(query) {
    const parts = query.split("&").filter((part) => part && !part.startsWith("pick="));
    if (picked.size) parts.push(`pick=${[...picked].join(",")}`);
    return parts.join("&");
  }

  /** Pick the villages that a query string names, and no others. */
  function read(query) {
    picked.clear();
    const codes = new URLSearchParams(query).get("pick") ?? "";
    for (const code of codes.split(",")) if (code && picked.size < MOST) picked.add(code);
  }

  results.addEventListener("change", (event) => {
    if (event.target.name !== "village") return;
    if (event.target.checked) picked.add(event.target.value);
    else picked.delete(event.target.value);
    settle();
    onChange();
  });
  read(`pick=${results.querySelector('input[name="pick"]')?.value ?? ""}`);
  for (const box of boxes()) if (box.checked) picked.add(box.value);
  settle();
  return { settle, address, read };
}

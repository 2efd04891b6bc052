// The field "minutes to": suggestions while somebody types, and the commune that is meant.

const TYPING_MS = 120;

const byId = (id) => document.getElementById(id);

/**
 * Follow the field.
 * @param form the form that it belongs to
 * @param words texts of the page's language
 * @param onChosen called when another commune is meant
 */
export function createTown(form, words, onChosen) {
  const field = byId("q-to");
  const list = byId("towns");
  const said = byId("to-trouble");
  // The form sends the code; what is typed is only a way to it.
  const sent = Object.assign(document.createElement("input"), { type: "hidden", name: "to" });
  sent.setAttribute("form", form.id);
  sent.value = field.dataset.code;
  field.removeAttribute("name");
  field.after(sent);
  let timer = 0;
  let request = null;

  async function ask(text) {
    request?.abort();
    const own = (request = new AbortController());
    const answer = await fetch(`/api/v1/towns?q=${encodeURIComponent(text)}`, { signal: own.signal });
    if (!answer.ok) throw new Error(`towns: ${answer.status}`);
    return answer.json();
  }

  async function suggest() {
    try {
      const { suggestions } = await ask(field.value);
      list.replaceChildren(
        ...suggestions.map(({ label }) => Object.assign(document.createElement("option"), { value: label })),
      );
    } catch {
      list.replaceChildren(); // typing goes on without suggestions
    }
  }

  async function resolve() {
    clearTimeout(timer);
    const text = field.value.trim();
    if (!text) return;
    try {
      const { found, near, suggestions } = await ask(text);
      if (!found) {
        const names = near.length ? near : suggestions.slice(0, 3).map(({ label }) => label);
        said.textContent =
          words.to_unknown.replace("{found}", () => text) +
          (names.length ? ` ${words.to_near.replace("{names}", () => names.join(", "))}` : "");
        field.setAttribute("aria-invalid", "true");
        return;
      }
      settle(found);
      onChosen();
    } catch (error) {
      if (error.name !== "AbortError") said.textContent = words.map_layer_failed;
    }
  }

  function settle({ insee_code: code, label }) {
    sent.value = code;
    field.value = label;
    said.textContent = "";
    field.removeAttribute("aria-invalid");
  }

  field.addEventListener("input", (event) => {
    clearTimeout(timer);
    // A suggestion that is picked comes whole; letters come one by one.
    if (!event.inputType || event.inputType === "insertReplacementText") resolve();
    else timer = setTimeout(suggest, TYPING_MS);
  });
  field.addEventListener("change", resolve);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // not the whole form
    resolve();
  });

  return {
    get code() {
      return sent.value;
    },
    set code(value) {
      sent.value = value;
    },
    settle,

    /** Whether something is written that names no commune. */
    get isUnknown() {
      return Boolean(!sent.value && field.value.trim());
    },

    /** Show the field only where it says something. */
    show(isWanted) {
      byId("town-field").toggleAttribute("data-idle", !isWanted);
      sent.disabled = !isWanted;
    },

    /** Forget what was typed when the code was changed for somebody. */
    follow() {
      said.textContent = "";
      if (!sent.value) field.value = "";
    },
  };
}

// Communes of France offered as one types where one comes from, in the list that the browser shows.

const TYPING_MS = 150;
const LEAST_LETTERS = 2;

/**
 * Fill the list of a field as one types.
 * Returns a function that tells whether an event of the field is an answer: a commune of the list,
 * nothing, or whatever stands there once the field is left. Half a name is none.
 */
export function createOrigins(field) {
  const list = field.list;
  const cities = [...list.options].map((option) => option.value);
  let timer = 0;
  let request = null;

  const offer = (labels) => {
    list.replaceChildren(...labels.map((value) => Object.assign(document.createElement("option"), { value })));
  };
  const isOffered = () => [...list.options].some((option) => option.value === field.value);

  async function look() {
    request?.abort();
    const typed = field.value.trim();
    if (typed.length < LEAST_LETTERS) return offer(cities);
    request = new AbortController();
    try {
      const answer = await fetch(`/api/v1/origins?q=${encodeURIComponent(typed)}`, { signal: request.signal });
      if (answer.ok) offer((await answer.json()).origins.map((commune) => commune.label));
    } catch {
      // A newer letter came, or nothing answers: the field can still be typed into and sent.
    }
  }

  let isAnswered = true;

  return (event) => {
    clearTimeout(timer);
    const wasAnswered = isAnswered;
    isAnswered = event.type === "change" || !field.value || isOffered();
    if (event.type === "change") return !wasAnswered;
    if (!isAnswered) timer = setTimeout(look, TYPING_MS);
    return isAnswered;
  };
}

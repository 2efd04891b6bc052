// The form and the query string: what a person chose, and choices put back into the form.

const isRadio = (control) => control.type === "radio";

/** Query string of the answers, those left empty aside. */
export function queryOf(form) {
  const query = new URLSearchParams();
  for (const [key, value] of new FormData(form)) {
    if (value !== "") query.append(key, value);
  }
  return query.toString();
}

/**
 * Put the answers of a state back into the form.
 * Returns false when the form lacks a control for one of them: the page must then be loaded anew.
 */
export function fill(form, state) {
  const controls = [...form.elements].filter((c) => c.name && c.name !== "lang");
  const names = new Set(controls.map((c) => c.name));
  const hasControl = ([key, value]) => value === "" || names.has(key);
  if (!Object.entries(state.fields).every(hasControl)) return false;
  for (const control of controls) {
    const value = state.fields[control.name] ?? "";
    if (control.dataset.word) {
      const word = value || state.implied[control.name.slice(2)];
      control.value = !value && control.dataset.word === word ? "" : control.dataset.word;
      control.checked = control.dataset.word === word;
    } else if (control.type === "checkbox") {
      control.checked = value.split(",").includes(control.value);
    } else if (isRadio(control)) {
      control.checked = control.value === value;
    } else if (control.name === "children") {
      control.value = value.replaceAll(",", ", ");
    } else {
      control.value = value;
      if (control.value !== value) return false;
    }
  }
  return true;
}

/**
 * Importance that nobody chose follows the other answers (children bring schools, for instance):
 * the radio with an empty value is the implied one, and stays chosen if it was.
 */
export function followImplied(form, implied) {
  for (const [family, word] of Object.entries(implied)) {
    const radios = [...form.elements].filter((c) => c.name === `w_${family}`);
    const before = radios.find((radio) => radio.value === "");
    const after = radios.find((radio) => radio.dataset.word === word);
    if (!before || !after || before === after) continue;
    const wasChosen = before.checked;
    before.value = before.dataset.word;
    after.value = "";
    if (wasChosen) after.checked = true;
  }
}
